"""Forms: elements, what people choose in them, and how Slack spells that."""

from collections.abc import Iterator, Mapping
from typing import Any

Json = dict[str, Any]
REQUIRED = "Please complete this required field."

# type → the key of its value in a payload, and the key of its initial value in the element
_OPTIONS = {
    "static_select": ("selected_option", "initial_option"),
    "external_select": ("selected_option", "initial_option"),
    "radio_buttons": ("selected_option", "initial_option"),
    "overflow": ("selected_option", ""),
    "multi_static_select": ("selected_options", "initial_options"),
    "multi_external_select": ("selected_options", "initial_options"),
    "checkboxes": ("selected_options", "initial_options"),
}
_PLAIN = {
    "plain_text_input": ("value", "initial_value"),
    "email_text_input": ("value", "initial_value"),
    "url_text_input": ("value", "initial_value"),
    "number_input": ("value", "initial_value"),
    "datepicker": ("selected_date", "initial_date"),
    "timepicker": ("selected_time", "initial_time"),
    "datetimepicker": ("selected_date_time", "initial_date_time"),
    "users_select": ("selected_user", "initial_user"),
    "multi_users_select": ("selected_users", "initial_users"),
    "channels_select": ("selected_channel", "initial_channel"),
    "multi_channels_select": ("selected_channels", "initial_channels"),
    "conversations_select": ("selected_conversation", "initial_conversation"),
    "multi_conversations_select": ("selected_conversations", "initial_conversations"),
}
_KEYS = {**_OPTIONS, **_PLAIN}


def elements(blocks: list[Json] | tuple[Json, ...]) -> Iterator[tuple[Json, Json]]:
    """Give every interactive element with the block that it stands in."""
    for block in blocks:
        found = block.get("elements") if block.get("type") == "actions" else None
        for element in [*(found or []), block.get("accessory"), block.get("element")]:
            if isinstance(element, dict) and element.get("action_id"):
                yield block, element


def selection(element: Json, raw: Any, offered: Mapping[str, Json] | None = None) -> Json:
    """Return what a payload says of an element in which `raw` was chosen.

    `raw` is a text, an option's value or its text, an option, or a list of these. `offered` are the options
    that a type-ahead gave, by value.

    Raises:
        LookupError: no such option is offered.
    """
    kind = element["type"]
    key = _KEYS[kind][0]
    if key == "selected_options":
        many = raw if isinstance(raw, list) else [raw] if raw is not None else []
        return {"type": kind, key: [_option(element, each, offered) for each in many]}
    if raw is None or kind in _PLAIN:
        return {"type": kind, key: raw}
    return {"type": kind, key: _option(element, raw, offered)}


def initial(element: Json) -> Json | None:
    """Return what an element holds before anybody touches it, None for one that holds nothing."""
    kind = element.get("type", "")
    if kind not in _KEYS or kind == "overflow":
        return None
    key, first = _KEYS[kind]
    empty: Any = [] if key == "selected_options" else None
    return {"type": kind, key: element.get(first, empty)}


def values(
    blocks: list[Json] | tuple[Json, ...],
    raws: Mapping[str, Any],
    offered: Mapping[str, Json],
    kept: Mapping[str, Any] | None = None,
) -> Json:
    """Return the `state.values` of blocks in which `raws` were entered.

    `raws` is by block id or by action id; or by block id, then by action id. An element that it leaves out
    holds what was `kept` from before, or else its initial value.

    Raises:
        LookupError: an entry belongs to no element, or chooses what is not offered.
    """
    found: Json = {}
    used: set[str] = set()
    for block, element in elements(blocks):
        block_id, action_id = block["block_id"], element["action_id"]
        entry = (kept or {}).get(block_id, {}).get(action_id) or initial(element)
        if entry is None:
            continue
        name, raw = _entered(block_id, action_id, raws)
        used.add(name)
        if raw is not _NOTHING:
            entry = selection(element, raw, offered)
        found.setdefault(block_id, {})[action_id] = entry
    if unknown := set(raws) - used:
        raise LookupError(f"no such input: {', '.join(sorted(unknown))}")
    return found


_NOTHING = object()


def _entered(block_id: str, action_id: str, raws: Mapping[str, Any]) -> tuple[str, Any]:
    """Return under which name something was entered, and what."""
    name = block_id if block_id in raws else action_id
    raw = raws.get(name, _NOTHING)
    if isinstance(raw, dict) and not {"text", "value"} <= raw.keys():
        return name, raw.get(action_id, _NOTHING)
    return name, raw


def mistakes(blocks: list[Json] | tuple[Json, ...], entered: Json) -> dict[str, str]:
    """Return what Slack itself would ask to correct before a modal is sent, by block id."""
    found: dict[str, str] = {}
    for block, element in elements(blocks):
        if block.get("type") != "input":
            continue
        entry = entered.get(block["block_id"], {}).get(element["action_id"], {})
        chosen = next((v for k, v in entry.items() if k != "type"), None)
        complaint = _mistake(block, element, chosen)
        if complaint:
            found[block["block_id"]] = complaint
    return found


def _mistake(block: Json, element: Json, chosen: Any) -> str | None:
    if not chosen:
        return None if block.get("optional") else REQUIRED
    if not isinstance(chosen, str):
        return None
    if len(chosen) < int(element.get("min_length", 0)):
        return f"Please enter at least {element['min_length']} characters."
    if len(chosen) > int(element.get("max_length", 3000)):
        return f"Please enter at most {element.get('max_length', 3000)} characters."
    return None


def _option(element: Json, raw: Any, offered: Mapping[str, Json] | None) -> Json:
    groups = [element, *(element.get("option_groups") or [])]
    static = [option for group in groups for option in group.get("options") or []]
    everything = [*static, *(offered or {}).values()]
    for option in everything:
        if raw in (option, option.get("value"), option["text"]["text"]):
            return dict(option)
    if isinstance(raw, dict) and "external" in element["type"]:
        return raw
    raise LookupError(f"no such option: {raw}")
