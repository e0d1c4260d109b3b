"""The diagram of a Service: a picture on request, and the same in words where there can be none."""

import sys
from io import BytesIO

import pytest
from PIL import Image

from bot.config.settings import Redact
from bot.demo.slack.message import Message
from bot.domain.objects import Service
from bot.operations.diagram import diagram
from bot.ports import Forbidden
from tests.fakes.world import ALICE as ANNE
from tests.fakes.world import CHECKOUT, Town, caller
from tests.listeners.office import ALICE, GUEST, MALLORY, OPS, Office


async def status(office: Office) -> Message:
    """Alice's status of shop/checkout."""
    await office.answer(ALICE, "status shop/checkout")
    return office.slack.ephemerals(ALICE)[-1]


async def test_a_diagram_comes_directly_and_says_so(office: Office) -> None:
    """A picture cannot be shown to one person in a channel; its description says the verdict."""
    said = await office.click(ALICE, await status(office), "status:diagram")
    assert "direct messages" in said
    (shown,) = office.slack.messages("D01ALICE")
    (file,) = shown.files
    assert file["alt_txt"].startswith("Traffic paths of shop/checkout on prod: ")
    assert "bypass" in file["alt_txt"]
    picture = Image.open(BytesIO(office.slack.state.uploads[file["id"]].body))
    assert (picture.format, picture.width > 600) == ("PNG", True)
    assert office.slack.messages(OPS) == []


async def test_a_diagram_that_is_asked_for_in_a_thread_is_shown_there(office: Office) -> None:
    """For all who read it."""
    parent = office.slack.say(MALLORY, OPS, "checkout is slow")
    office.slack.mention(ALICE, OPS, "status shop/checkout", thread=parent.ts)
    answer = await office.reply(OPS, parent.ts, lambda m: "bypass" in m.text)
    assert (await office.slack.click(ALICE, answer, "status:diagram")).ok
    await office.reply(OPS, parent.ts, lambda m: bool(m.files))


async def test_without_the_right_to_upload_a_diagram_is_told_in_words(office: Office) -> None:
    """The feature is lost, the answer is not."""
    office.slack.faults.add("files.getUploadURLExternal", "error", error="missing_scope")
    said = await office.click(ALICE, await status(office), "status:diagram")
    assert "Traffic paths of shop/checkout on prod" in said
    assert "→  node node-a" in said


async def test_without_pillow_a_diagram_is_told_in_words(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is an extra that nobody must install."""
    monkeypatch.setitem(sys.modules, "PIL", None)
    said = await office.click(ALICE, await status(office), "status:diagram")
    assert "pods on nodes" in said


async def test_a_diagram_of_a_service_that_is_gone_says_so(office: Office) -> None:
    """The button knows it by its UID."""
    message = await status(office)
    office.clusters[0].remove(Service, CHECKOUT)
    assert "gone" in await office.click(ALICE, message, "status:diagram")


async def test_a_guest_is_shown_no_diagram(office: Office) -> None:
    """Whoever presses, it is their rights that count."""
    parent = office.slack.say(MALLORY, OPS, "checkout is slow")
    office.slack.mention(ALICE, OPS, "status shop/checkout", thread=parent.ts)
    answer = await office.reply(OPS, parent.ts, lambda m: "bypass" in m.text)
    assert "no rights here" in await office.click(GUEST, answer, "status:diagram")


async def test_a_diagram_leaves_out_what_the_team_does_not_want_to_see() -> None:
    """Addresses, say."""
    town = Town(changed={"redact": Redact.ADDRESSES})
    service = town.cluster.snapshot().service(CHECKOUT)
    assert service is not None
    town.messenger.fail("show", Forbidden("no right"))
    await diagram(town.world, caller(ANNE), f"prod/{service.uid}")
    (told,) = town.messenger.told
    assert "10.9.0.9" not in told.text
    assert "(address)" in told.text
