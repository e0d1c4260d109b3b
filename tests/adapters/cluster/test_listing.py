"""A list's page, read object by object."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.adapters.cluster.listing import Page

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(items=st.lists(VALUES, max_size=5), indent=st.sampled_from([None, 0, 2]), last=st.booleans())
def test_what_is_read_is_what_was_written(items: list[Any], indent: int | None, last: bool) -> None:  # noqa: FBT001 - drawn by Hypothesis
    """Any JSON, any white space, metadata before or behind the items."""
    metadata = {"metadata": {"resourceVersion": "7", "continue": "t"}}
    body = {"kind": "List", **({} if last else metadata), "items": items, **(metadata if last else {})}
    page = Page(json.dumps(body, indent=indent))
    assert list(page.items()) == items
    assert (page.version, page.more) == ("7", "t")


@pytest.mark.parametrize("text", ['{"items": null, "metadata": {}}', "{}", '{"metadata": null}'])
def test_no_items_are_no_items(text: str) -> None:
    """Go writes null for an empty list now and then."""
    assert list(Page(text).items()) == []


@pytest.mark.parametrize("text", ["", "[]", "{", '{"items": [', '{"items": 1}', '{"items" []}', "nonsense"])
def test_what_is_no_list_is_refused(text: str) -> None:
    """Broken off or something else: a ValueError, never an endless loop."""
    with pytest.raises(ValueError):  # noqa: PT011 - the decoder's own message differs from ours
        list(Page(text).items())
