"""The page in a real browser, with the sample app behind it."""

from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import expect
from slack_sdk.web.async_client import AsyncWebClient

from bot.demo.slack import Workspace
from tests.demo.slack.browser import CHROMIUM, NO_CHROMIUM, Watched, picture, type_line
from tests.demo.slack.sample import button, plain

pytestmark = [
    pytest.mark.chromium,
    pytest.mark.skipif(CHROMIUM is None, reason=NO_CHROMIUM),
    pytest.mark.asyncio(loop_scope="module"),
]


async def test_a_change_is_proposed_refused_and_approved_by_three_people(
    browser: Watched, workspace: Workspace, tmp_path: Path
) -> None:
    """Alice asks, Mallory is refused for her eyes only, Bob approves; everybody sees the card change in place."""
    alice, bob = await browser.page("U01ALICE"), await browser.page("U02BOB", "C02INC")
    await alice.locator("#composer-input").focus()
    await alice.keyboard.type("/elb")
    await expect(alice.get_by_role("option", name="/elb-passthrough")).to_be_visible()
    await alice.keyboard.press("Tab")
    await alice.keyboard.type("card")
    await alice.keyboard.press("Enter")
    card = alice.locator("#messages article").filter(has_text="Proposed: pass-through on")
    await expect(card).to_be_visible()
    await expect(card.locator("table tbody tr")).to_have_count(2)
    await picture(alice, tmp_path, "sample-card")

    badge = bob.locator("[data-channel=C01OPS] .badge")
    await expect(badge).to_have_text("1")
    await bob.locator("[data-channel=C01OPS]").click()
    await expect(bob.locator(".mark.new")).to_be_visible()
    await expect(badge).to_have_count(0)

    mallory = await browser.page("U03MALLORY")
    await mallory.get_by_role("button", name="Reject…").click()
    await expect(mallory.locator("#frame").get_by_text("You may not reject.")).to_be_visible()
    await expect(mallory.locator("#frame").get_by_text("Only visible to you")).to_be_visible()
    await expect(bob.locator("#frame").get_by_text("You may not reject.")).to_have_count(0)

    await bob.get_by_role("button", name="Approve…").click()
    dialog = bob.get_by_role("dialog", name="Approve CHG-7?")
    await expect(dialog).to_contain_text("Patches one annotation on shop/checkout.")
    await picture(bob, tmp_path, "sample-confirm")
    await dialog.get_by_role("button", name="Not yet").click()
    await expect(dialog).to_have_count(0)
    assert workspace.log(name="approve") == []
    await bob.get_by_role("button", name="Approve…").press("Enter")
    await dialog.get_by_role("button", name="Approve", exact=True).click()
    for page in (alice, bob, mallory):
        await expect(page.locator("#messages").get_by_text("✅ approved by @Bob")).to_be_visible()
        await expect(page.get_by_role("button", name="Approve…")).to_have_count(0)

    await alice.get_by_role("button", name="1 reply").click()
    await expect(alice.locator("#thread-messages").get_by_text("verifying ⌛")).to_be_visible()
    await type_line(alice, "@elb-passthrough thanks", "#thread-input")
    await expect(
        alice.locator("#thread-messages").get_by_text("heard: @elb-passthrough thanks")
    ).to_be_visible()
    await picture(alice, tmp_path, "sample-thread")


async def test_a_modal_is_filled_by_keyboard_corrected_and_sent(
    browser: Watched, workspace: Workspace, tmp_path: Path
) -> None:
    """Type-ahead, what Slack asks for, what the app asks for, and the end."""
    page = await browser.page("U01ALICE", scheme="dark")
    await type_line(page, "/elb-passthrough")
    dialog = page.get_by_role("dialog", name="Ask about a Service")
    service = dialog.get_by_role("combobox", name="Service")
    await expect(service).to_be_focused()
    await page.keyboard.type("shop")
    await expect(dialog.get_by_role("option")).to_have_text(["shop/checkout", "shop/cart"])
    await picture(page, tmp_path, "sample-modal")
    await page.keyboard.press("ArrowDown")
    await page.keyboard.press("Enter")
    await expect(service).to_have_value("shop/cart")
    await dialog.get_by_role("button", name="Ask").click()
    await expect(dialog.get_by_role("alert")).to_have_text("Please complete this required field.")
    reason = dialog.get_by_role("textbox", name="Reason")
    await expect(reason).to_be_focused()
    await reason.fill("no")
    await dialog.get_by_role("checkbox", name="findings").check()
    await dialog.get_by_role("button", name="Ask").click()
    await expect(dialog.get_by_role("alert")).to_have_text("Say why")
    await expect(dialog.get_by_role("checkbox", name="findings")).to_be_checked()
    await dialog.get_by_role("textbox", name="Reason").fill("TLS errors")
    await dialog.get_by_role("button", name="Ask").click()
    await expect(dialog).to_have_count(0)
    await expect(
        page.locator("#messages").get_by_text("@Alice asks about shop/cart: TLS errors")
    ).to_be_visible()
    submitted = [d for d in workspace.deliveries.sent if d.name == "submit ask"][-1].payload["view"]["state"][
        "values"
    ]
    assert [o["value"] for o in submitted["parts"]["parts"]["selected_options"]] == ["findings"]
    assert submitted["how"]["how"]["selected_option"]["value"] == "now"


async def test_escape_closes_a_modal_and_the_app_hears_of_it(browser: Watched, workspace: Workspace) -> None:
    """The dialog goes, and the direct messages show what the app made of it."""
    page = await browser.page("U01ALICE")
    await type_line(page, "/elb-passthrough")
    await expect(page.get_by_role("dialog", name="Ask about a Service")).to_be_visible()
    await page.keyboard.press("Escape")
    await expect(page.get_by_role("dialog", name="Ask about a Service")).to_have_count(0)
    await expect(page.locator("[data-channel=D01ALICE] .badge")).to_have_text("1")
    assert workspace.views("U01ALICE") == []


async def test_selects_and_menus_tell_the_app_what_was_chosen(browser: Watched) -> None:
    """A static select, an external one and an overflow menu in a message."""
    page = await browser.page("U01ALICE")
    await type_line(page, "/elb-passthrough card")
    await page.get_by_role("combobox", name="Snooze").click()
    await page.get_by_role("option", name="1 day").click()
    await expect(page.locator("#frame").get_by_text("snooze: 1 day")).to_be_visible()
    await page.get_by_role("combobox", name="Service").click()
    await page.get_by_role("option", name="web/api").click()
    await expect(page.locator("#frame").get_by_text("service: web/api")).to_be_visible()
    await page.get_by_role("button", name="More").click()
    await page.keyboard.press("ArrowDown")
    await page.keyboard.press("Enter")
    await expect(page.locator("#frame").get_by_text("menu: Diagram")).to_be_visible()


async def test_the_home_tab_shows_what_the_app_published(browser: Watched, tmp_path: Path) -> None:
    """And its button opens a modal."""
    page = await browser.page("U02BOB")
    await page.get_by_role("button", name="Home").click()
    await expect(page.get_by_role("heading", name="Waiting for you")).to_be_visible()
    await picture(page, tmp_path, "sample-home")
    await page.get_by_role("button", name="Open").click()
    await expect(page.get_by_role("dialog", name="Ask about a Service")).to_be_visible()


async def test_one_page_can_act_as_several_people_by_keyboard(browser: Watched) -> None:
    """The arrow keys move along the picker; what only one sees goes with them."""
    page = await browser.page("U01ALICE")
    await type_line(page, "/elb-passthrough status shop/checkout")
    await expect(page.locator("#frame").get_by_text("you said status shop/checkout")).to_be_visible()
    await page.get_by_role("radio", name="Alice").press("ArrowRight")
    await expect(page.get_by_role("radio", name="Bob")).to_be_checked()
    await expect(page.locator("#frame").get_by_text("you said status shop/checkout")).to_have_count(0)
    await page.get_by_role("radio", name="Bob").press("ArrowLeft")
    await expect(page.locator("#frame").get_by_text("you said status shop/checkout")).to_be_visible()
    await page.get_by_role("button", name="Share in channel").click()
    await expect(page.locator("#messages").get_by_text("shared")).to_be_visible()
    await expect(page.locator("#frame").get_by_text("you said status shop/checkout")).to_have_count(0)


async def test_a_command_that_fails_is_told_by_slack_itself(browser: Watched, workspace: Workspace) -> None:
    """To the person who gave it."""
    page = await browser.page("U01ALICE")
    workspace.request_url = None
    await type_line(page, "/elb-passthrough help")
    await expect(
        page.locator("#frame").get_by_text('/elb-passthrough failed with the error "dispatch_failed"')
    ).to_be_visible()


HOSTILE = [
    '<img src=x onerror="window.hacked=1">',
    "&lt;script&gt;window.hacked=1&lt;/script&gt;",
    "<javascript:window.hacked=1|press me>",
    "<https://x.example|<b>bold</b>>",
    "<!date^99999999999999^{time}|x> <!subteam^S0NONE> <@> <#>",
]


async def test_hostile_text_stays_text(
    browser: Watched, workspace: Workspace, client: AsyncWebClient
) -> None:
    """Nothing that a message says becomes markup, in any kind of block."""
    page = await browser.page("U01ALICE")
    for text in HOSTILE:
        mrkdwn, label = {"type": "mrkdwn", "text": text}, plain(text[:70])
        blocks: list[dict[str, Any]] = [
            {"type": "section", "text": mrkdwn, "fields": [mrkdwn]},
            {"type": "header", "text": label},
            {"type": "context", "elements": [mrkdwn]},
            {"type": "markdown", "text": text},
            {
                "type": "rich_text",
                "elements": [
                    {
                        "type": "rich_text_section",
                        "elements": [
                            {"type": "text", "text": text},
                            {"type": "link", "url": "javascript:window.hacked=1", "text": text},
                        ],
                    }
                ],
            },
            {"type": "table", "rows": [[{"type": "raw_text", "text": text}]]},
            {"type": "actions", "elements": [button("a", text[:70])]},
        ]
        await client.chat_postMessage(channel="C01OPS", text=text, blocks=blocks)
        await client.chat_postMessage(channel="C01OPS", text=text)
    await expect(page.locator("#messages article")).to_have_count(2 * len(HOSTILE))
    assert await page.evaluate("window.hacked") is None
    assert (
        await page.locator(
            "#messages script, #messages a[href^='javascript:'], #messages img[src='x']"
        ).count()
        == 0
    )
    assert len(workspace.messages("C01OPS")) == 2 * len(HOSTILE)


async def test_pictures_come_from_the_workspace_or_not_at_all(
    browser: Watched, client: AsyncWebClient
) -> None:
    """An uploaded picture is shown, one of another host is only named."""
    page = await browser.page("U01ALICE")
    png = bytes.fromhex(
        "89504e470d0a1a0a0000000d4948445200000001000000010802000000907753de0000000c49444154789c63f8cfc0000003010100c9fe92ef0000000049454e44ae426082"
    )
    await client.files_upload_v2(channel="C01OPS", filename="path.png", content=png, title="The path")
    elsewhere = {"type": "image", "image_url": "https://x.example/a.png", "alt_text": "a picture elsewhere"}
    await client.chat_postMessage(channel="C01OPS", text="x", blocks=[elsewhere])
    await expect(page.get_by_role("img", name="The path")).to_be_visible()
    assert await page.get_by_role("img", name="The path").evaluate("node => node.naturalWidth") == 1
    await expect(page.locator("#frame").get_by_text("a picture elsewhere")).to_be_visible()
    assert await page.locator("img[src^='https:']").count() == 0


async def test_edits_and_deletions_are_seen_at_once_and_keep_the_focus(
    browser: Watched, client: AsyncWebClient
) -> None:
    """Whoever stands on a button while its message changes still stands on it."""
    page = await browser.page("U01ALICE")
    blocks = [{"type": "actions", "elements": [button("go", "Go")]}]
    posted = await client.chat_postMessage(channel="C01OPS", text="one", blocks=blocks)
    await page.get_by_role("button", name="Go", exact=True).focus()
    await client.chat_update(
        channel="C01OPS",
        ts=posted["ts"],
        text="two",
        blocks=[{"type": "actions", "elements": [button("go", "Go on")]}],
    )
    await expect(page.get_by_role("button", name="Go on")).to_be_focused()
    await client.chat_update(channel="C01OPS", ts=posted["ts"], text="three")
    await expect(page.locator("#frame").get_by_text("three (edited)")).to_be_visible()
    await client.chat_delete(channel="C01OPS", ts=posted["ts"])
    await expect(page.locator("#frame").get_by_text("three (edited)")).to_have_count(0)


async def test_an_edited_message_keeps_its_thread_open_and_counted(
    browser: Watched, client: AsyncWebClient
) -> None:
    """Both places show the edit; replies are counted as they come and go, and are no news of the channel."""
    parent = await client.chat_postMessage(channel="C01OPS", text="proposed")
    ts = str(parent["ts"])
    first = await client.chat_postMessage(channel="C01OPS", text="one", thread_ts=ts)
    page, elsewhere = await browser.page("U01ALICE"), await browser.page("U02BOB", "C02INC")
    await page.get_by_role("button", name="1 reply").click()
    await client.chat_update(channel="C01OPS", ts=ts, text="approved")
    await client.chat_postMessage(channel="C01OPS", text="two", thread_ts=ts)
    for where in ("#messages", "#thread-messages"):
        await expect(page.locator(f"{where} article").first).to_contain_text("approved (edited)")
    await expect(page.locator("#thread-messages article")).to_have_count(3)
    await expect(page.get_by_role("button", name="2 replies")).to_be_visible()
    await client.chat_delete(channel="C01OPS", ts=str(first["ts"]))
    await expect(page.locator("#thread-messages article")).to_have_count(2)
    await expect(page.get_by_role("button", name="1 reply")).to_be_visible()
    await expect(elsewhere.locator("[data-channel=C01OPS] .badge")).to_have_text("1")


async def test_a_lost_stream_is_taken_up_again_without_a_gap(browser: Watched, workspace: Workspace) -> None:
    """What was said in between is there, and what comes later arrives."""
    page = await browser.page("U01ALICE")
    workspace.state.feed.close()
    workspace.say("U02BOB", "C01OPS", "said while nobody listened")
    await expect(page.locator("#frame").get_by_text("said while nobody listened")).to_be_visible()
    workspace.say("U02BOB", "C01OPS", "said afterwards")
    await expect(page.locator("#frame").get_by_text("said afterwards")).to_be_visible()


async def test_the_panel_turns_knobs_and_shows_the_log(browser: Watched, workspace: Workspace) -> None:
    """Knobs appear when the world registers them; each request is a line that opens."""
    page = await browser.page("U01ALICE")
    workspace.knobs.register("lag", "Make node-b lag", lambda _target: "node-b lags now", group="Nodes")
    await page.get_by_role("button", name="Make node-b lag").click()
    await expect(page.locator("#said")).to_have_text("node-b lags now")
    await type_line(page, "/elb-passthrough status x")
    line = page.locator("#log [data-name=response_url] summary")
    await line.click()
    await expect(page.locator("#log pre")).to_contain_text("you said *status x*")
    await page.get_by_role("button", name="World & log").click()
    await expect(page.locator("#panel")).to_be_hidden()


async def test_a_permalink_opens_the_thread_and_shows_the_message(
    browser: Watched, workspace: Workspace, client: AsyncWebClient
) -> None:
    """As a link in an incident channel does."""
    parent = await client.chat_postMessage(channel="C01OPS", text="the card")
    reply = await client.chat_postMessage(channel="C01OPS", text="the verdict", thread_ts=parent["ts"])
    link = (await client.chat_getPermalink(channel="C01OPS", message_ts=reply["ts"]))["permalink"]
    await client.chat_postMessage(channel="C02INC", text=f"see <{link}|the verdict>")
    page = await browser.page("U01ALICE", "C02INC")
    await page.get_by_role("link", name="the verdict").click()
    await expect(page.locator("#thread-messages .found")).to_contain_text("the verdict")
    assert page.url.startswith(workspace.url)


async def test_a_newcomer_is_offered_something_to_try(browser: Watched, tmp_path: Path) -> None:
    """Nobody chose whom to act as yet; a press on a sample puts it into the composer."""
    page = await browser.page()
    await picture(page, tmp_path, "sample-welcome")
    await page.get_by_role("button", name="/elb-passthrough list").click()
    await expect(page.locator("#composer-input")).to_have_value("/elb-passthrough list")
    await page.keyboard.press("Enter")
    await expect(page.locator("#frame").get_by_text("you said list")).to_be_visible()
    await page.get_by_role("button", name="random").click()
    await expect(page.locator("#frame").get_by_text("elb-passthrough is not here")).to_be_visible()
