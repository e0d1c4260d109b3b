import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.config.settings import Redact
from bot.operations import ask
from bot.operations.redaction import Redaction
from tests.fakes.cluster import MemoryClusters
from tests.fakes.messenger import buttons, read
from tests.fakes.world import ALICE, Town, caller, shop

CLUSTERS = MemoryClusters(shop())


def shown(what: Redact, text: str) -> str:
    """A text as it is posted."""
    return str(Redaction(what=what, clusters=CLUSTERS).apply({"text": text, "blocks": []})["text"])


@pytest.mark.parametrize(
    ("text", "addresses"),
    [
        ("to 10.9.0.9:443", "to (address):443"),
        ("to [fd00::1]:443", "to [(address)]:443"),
        ("fe80::1ff:fe23:4567:890a", "(address)"),
        ("::1 and ::", "(address) and (address)"),
        ("at 14:01:59 UTC, 2 h", "at 14:01:59 UTC, 2 h"),
        ("v1.29.2 and 1.2.3", "v1.29.2 and 1.2.3"),
        ("node-a", "node-a"),
        ("<!date^1772460000^{time}|14:00 UTC>", "<!date^1772460000^{time}|14:00 UTC>"),
    ],
)
def test_addresses_are_left_out(text: str, addresses: str) -> None:
    """IPv4 and IPv6, and nothing that only looks alike."""
    assert shown(Redact.ADDRESSES, text) == addresses


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("on node-a, and 10.9.0.9", "on (name), and (address)"),
        ("shop/client-node-a calls shop/checkout", "(name) calls shop/checkout"),
        ("node-z is not here", "node-z is not here"),
    ],
)
def test_names_of_pods_and_nodes_are_left_out_too(text: str, names: str) -> None:
    """A Service's name stays: people have to type it."""
    assert shown(Redact.NAMES, text) == names


@given(st.text())
def test_nothing_is_left_out_unless_asked(text: str) -> None:
    """And any text can be read."""
    assert shown(Redact.NONE, text) == text
    assert isinstance(shown(Redact.NAMES, text), str)


async def test_a_status_without_addresses_still_works() -> None:
    """No address in any block, and every button as before."""
    open_town, town = Town(), Town(changed={"redact": Redact.ADDRESSES})
    plain = await ask.status(open_town.world, caller(ALICE), "shop/checkout")
    hidden = await ask.status(town.world, caller(ALICE), "shop/checkout")
    assert "10.9.0.9" in read(plain)
    assert "10.9.0.9" not in str(hidden)
    assert buttons(hidden) == buttons(plain)
