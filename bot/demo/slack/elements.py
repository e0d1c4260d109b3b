"""Slack's limits on text objects and interactive elements.

Source: docs.slack.dev/reference/block-kit (composition objects, block elements).
"""

from collections.abc import Iterator, Mapping
from typing import Any

from bot.demo.slack.schema import (
    Check,
    Fault,
    anything,
    array,
    boolean,
    both,
    either,
    number,
    record,
    string,
    typed,
)

_ID = string(255, least=1)
_TEXT_KINDS = frozenset({"plain_text", "mrkdwn"})
_PLAIN = frozenset({"plain_text"})


def text(most: int, *, plain: bool = False, least: int = 1) -> Check:
    """Check a text object; with `plain` only plain_text will do."""
    return record(
        {"type": string(20, among=_PLAIN if plain else _TEXT_KINDS), "text": string(most, least=least)},
        {"emoji": boolean, "verbatim": boolean},
    )


STYLE = string(10, among=frozenset({"primary", "danger"}))
CONFIRM = record(
    {
        "title": text(100, plain=True),
        "text": text(300),
        "confirm": text(30, plain=True),
        "deny": text(30, plain=True),
    },
    {"style": STYLE},
)
OPTION = record(
    {"text": text(75), "value": string(150, least=1)},
    {"description": text(75), "url": string(3000)},
)
OPTION_GROUP = record({"label": text(75, plain=True), "options": array(OPTION, most=100)})
_PLACEHOLDER = text(150, plain=True)
_COMMON: Mapping[str, Check] = {
    "action_id": _ID,
    "confirm": CONFIRM,
    "focus_on_load": boolean,
    "placeholder": _PLACEHOLDER,
}
_IMAGE = both(
    record(
        {"type": anything, "alt_text": string(2000, least=1)},
        {"image_url": string(3000, least=1), "slack_file": anything},
    ),
    either("image_url", "slack_file"),
)


def _element(required: Mapping[str, Check] | None = None, **optional: Check) -> Check:
    return record({"type": anything, **(required or {})}, {**_COMMON, **optional})


def _initial_is_an_option(value: Any, at: str) -> Iterator[Fault]:
    if not isinstance(value, dict) or "initial_option" not in value:
        return
    groups = [value, *(value.get("option_groups") or [])]
    offered = [option for group in groups if isinstance(group, dict) for option in group.get("options") or []]
    if value["initial_option"] not in offered:
        yield Fault(message="initial_option must be one of the options", pointer=f"{at}/initial_option")


def _static(**more: Check) -> Check:
    return both(
        _element(
            None,
            options=array(OPTION, most=100),
            option_groups=array(OPTION_GROUP, most=100),
            initial_option=OPTION,
            initial_options=array(OPTION, most=100),
            **more,
        ),
        either("options", "option_groups"),
        _initial_is_an_option,
    )


def _chosen(**more: Check) -> Check:
    return both(
        _element(
            {"options": array(OPTION, most=10)},
            initial_option=OPTION,
            initial_options=array(OPTION, most=10),
            **more,
        ),
        _initial_is_an_option,
    )


def _listed(initial: str) -> Check:
    more: dict[str, Check] = {
        initial: anything,
        "max_selected_items": number,
        "response_url_enabled": boolean,
    }
    return _element(None, filter=anything, default_to_current_conversation=boolean, **more)


_EXTERNAL = _element(
    None,
    min_query_length=number,
    initial_option=OPTION,
    initial_options=array(OPTION),
    max_selected_items=number,
)
BUTTON = _element(
    {"text": text(75, plain=True)},
    value=string(2000),
    url=string(3000),
    style=STYLE,
    accessibility_label=string(75),
)
_TYPED: Mapping[str, Check] = {
    "plain_text_input": _element(
        None,
        initial_value=string(3000),
        multiline=boolean,
        min_length=number,
        max_length=number,
        dispatch_action_config=anything,
    ),
    "email_text_input": _element(None, initial_value=string(3000), dispatch_action_config=anything),
    "url_text_input": _element(None, initial_value=string(3000), dispatch_action_config=anything),
    "number_input": _element(
        {"is_decimal_allowed": boolean},
        initial_value=number,
        min_value=number,
        max_value=number,
        dispatch_action_config=anything,
    ),
}
_SELECTED: Mapping[str, Check] = {
    "static_select": _static(),
    "multi_static_select": _static(max_selected_items=number),
    "external_select": _EXTERNAL,
    "multi_external_select": _EXTERNAL,
    "users_select": _listed("initial_user"),
    "multi_users_select": _listed("initial_users"),
    "channels_select": _listed("initial_channel"),
    "multi_channels_select": _listed("initial_channels"),
    "conversations_select": _listed("initial_conversation"),
    "multi_conversations_select": _listed("initial_conversations"),
    "checkboxes": _chosen(),
    "radio_buttons": _chosen(),
    "datepicker": _element(None, initial_date=string(10)),
    "timepicker": _element(None, initial_time=string(5), timezone=string(60)),
    "datetimepicker": _element(None, initial_date_time=number),
}
_PRESSED: Mapping[str, Check] = {
    "button": BUTTON,
    "overflow": _element({"options": array(OPTION, most=5)}),
}

ACCESSORIES: Mapping[str, Check] = {**_PRESSED, **_SELECTED, "image": _IMAGE}
ACTIONS: Mapping[str, Check] = {**_PRESSED, **_SELECTED}
INPUTS: Mapping[str, Check] = {**_TYPED, **_SELECTED}
CONTEXT: Mapping[str, Check] = {"image": _IMAGE, "plain_text": text(3000, plain=True), "mrkdwn": text(3000)}
IMAGE_KEYS: Mapping[str, Check] = {
    "image_url": string(3000, least=1),
    "slack_file": anything,
    "title": text(2000, plain=True),
}

ACCESSORY = typed(lambda: ACCESSORIES)
ACTION = typed(lambda: ACTIONS)
INPUT = typed(lambda: INPUTS)
CONTEXT_ITEM = typed(lambda: CONTEXT)
