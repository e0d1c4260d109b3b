"""What people type: wild spacing, quotes, Unicode, thousands of characters; never an exception."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.listeners.grammar import LONGEST, NEEDS_SERVICE, SUBCOMMANDS, Intent, Mistake, parse


@pytest.mark.parametrize("verb", SUBCOMMANDS)
def test_every_subcommand_is_understood_with_a_target(verb: str) -> None:
    """In any case."""
    for spelt in (verb, verb.upper(), verb.title()):
        assert parse(f"{spelt} shop/checkout") == Intent(verb=verb, target="shop/checkout")


@pytest.mark.parametrize("verb", sorted(NEEDS_SERVICE))
def test_where_a_service_is_missing_it_is_asked_for(verb: str) -> None:
    """In a modal, for the same purpose."""
    assert parse(verb) == Intent(verb="ask", target=verb)


def test_nothing_at_all_asks_for_a_service() -> None:
    """To explain it; so does what only looks like nothing."""
    for text in ("", " \t\n", "\u200b\u200f", "\u00a0", "\u200d \u200c"):
        assert parse(text) == Intent(verb="ask", target="status")


@pytest.mark.parametrize(
    "text",
    [
        "  status   shop/checkout  ",
        "\tstatus\n\nshop/checkout",
        "status\u00a0shop/checkout",
        "status\u3000shop/checkout",
        "status “shop/checkout”",
        "status 'shop/checkout'",
        "status „shop/checkout“",
        "status «shop/checkout»",
        "status `shop/checkout`,",
        "“status” shop/checkout",
        "\u202estatus shop/checkout\u202c",
        "status \u200fshop/checkout\u200f",
        "status shop/\u200bcheckout",
        "sta\u200dtus shop/check\u200cout",
        "status\rshop/checkout",
        "status shop / checkout",
        "status shop/ checkout",
        "status shop\\checkout",
        "ｓｔａｔｕｓ ｓｈｏｐ／ｃｈｅｃｋｏｕｔ",
        "status <http://shop/checkout|shop/checkout>",
    ],
)
def test_spacing_quotes_and_what_cannot_be_seen_do_not_matter(text: str) -> None:
    """Phones and copied text bring all of it."""
    assert parse(text) == Intent(verb="status", target="shop/checkout")


def test_a_reason_is_everything_behind_the_target() -> None:
    """Its own quotes and slashes included."""
    said = parse('enable shop/checkout TLS "errors" / since 14:00')
    assert said == Intent(verb="enable", target="shop/checkout", reason='TLS "errors" / since 14:00')
    assert parse("enable shop/checkout “it burns”") == Intent(
        verb="enable", target="shop/checkout", reason="it burns"
    )


def test_a_reason_keeps_what_joins_its_letters() -> None:
    """And loses what would turn a reader's eye around."""
    said = parse("enable shop/checkout \u202e👩\u200d👩\u200d👧 می\u200cخواهم")
    assert said == Intent(verb="enable", target="shop/checkout", reason="👩\u200d👩\u200d👧 می\u200cخواهم")


@pytest.mark.parametrize("name", SUBCOMMANDS)
def test_a_service_may_be_named_like_a_subcommand(name: str) -> None:
    """The first word is the subcommand, the second never is."""
    assert parse(f"status {name}") == Intent(verb="status", target=name)
    assert parse(f"enable {name}/{name} {name}") == Intent(
        verb="enable", target=f"{name}/{name}", reason=name
    )


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("stauts", "status"),
        ("enalbe", "enable"),
        ("verfy", "verify"),
        ("hlep", "help"),
        ("histroy", "history"),
        ("staus", "status"),
        ("paus", "pause"),
        ("able", "enable or disable"),
    ],
)
def test_a_misspelt_subcommand_gets_the_nearest(typed: str, meant: str) -> None:
    """As a question."""
    said = parse(f"{typed} shop/checkout")
    assert isinstance(said, Mistake)
    assert said.sentence.startswith(f"There is no subcommand “{typed}”. Did you mean {meant}?")


@pytest.mark.parametrize(
    ("typed", "instead"),
    [
        ("hey, can you show me the status shop/checkout please", "status shop/checkout"),
        ("hey could you LIST", "list"),
        ("please enable shop / checkout now", "enable shop/checkout"),
    ],
)
def test_a_command_in_mid_sentence_is_given_back_alone(typed: str, instead: str) -> None:
    """It is not guessed at, and nobody is told that there is no subcommand “hey”."""
    assert parse(typed, "@elb-passthrough") == Mistake(
        sentence=f"Begin with what you want: @elb-passthrough {instead}"
    )


def test_a_service_alone_gets_the_command_to_type() -> None:
    """Rather than a lecture about subcommands."""
    said = parse("shop/checkout")
    assert said == Mistake(
        sentence="Say what you want of “shop/checkout”: /elb-passthrough status shop/checkout"
    )


def test_a_long_word_is_shown_in_short() -> None:
    """And thousands of characters are read no further than Slack's own limit."""
    said = parse("x" * 5000)
    assert isinstance(said, Mistake)
    assert len(said.sentence) < 200
    reason = parse("enable shop/checkout " + "y" * 5000)
    assert isinstance(reason, Intent)
    assert len(reason.reason) == LONGEST - len("enable shop/checkout ")


WORDS = st.one_of(
    st.sampled_from([*SUBCOMMANDS, "shop/checkout", "/", "//", "“", "<", "<http://a|", "\u202e"]), st.text()
)


@given(st.lists(WORDS).map(" ".join) | st.text())
def test_nothing_that_can_be_typed_raises(text: str) -> None:
    """It is an intent or a mistake, and an intent's names hold no white space."""
    said = parse(text)
    match said:
        case Intent(verb=verb, target=target):
            assert verb in {*SUBCOMMANDS, "ask"}
            assert target.split() == ([target] if target else [])
        case Mistake(sentence=sentence):
            assert 0 < len(sentence) < 400
