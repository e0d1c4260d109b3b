import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.change import Verb
from bot.domain.request import Answer, outcome

P, A, R = Answer.PROPOSE, Answer.ALREADY, Answer.REFUSE


@pytest.mark.parametrize(
    ("verb", "local", "value", "answer", "sets"),
    [
        (Verb.ENABLE, False, None, P, "true"),
        (Verb.ENABLE, False, "", P, "true"),
        (Verb.ENABLE, False, "false", P, "true"),
        (Verb.ENABLE, False, "true", A, None),
        (Verb.ENABLE, False, "onlyLocal", A, None),
        (Verb.ENABLE, True, None, P, "true"),
        (Verb.ENABLE, True, "true", A, None),
        (Verb.ENABLE, True, "onlyLocal", A, None),
        (Verb.DISABLE, False, None, A, None),
        (Verb.DISABLE, False, "false", A, None),
        (Verb.DISABLE, False, "true", P, None),
        (Verb.DISABLE, False, "onlyLocal", P, None),
        (Verb.DISABLE, True, None, R, None),
        (Verb.DISABLE, True, "true", R, None),
        (Verb.DISABLE, True, "onlyLocal", R, None),
    ],
)
def test_the_table_of_enable_and_disable(
    verb: Verb,
    local: bool,  # noqa: FBT001 - a column
    value: str | None,
    answer: Answer,
    sets: str | None,
) -> None:
    """Each cell has its answer, and each answer but a plain proposal its sentence."""
    found = outcome(verb, local=local, value=value)
    assert (found.answer, found.value) == (answer, sets)
    assert found.sentence or (answer is P and not (local and verb is Verb.ENABLE))


def test_a_young_local_service_is_left_to_cce() -> None:
    """Until its controller had its time; a value that is there needs no waiting."""
    assert outcome(Verb.ENABLE, local=True, value=None, settled=False).answer is A
    assert outcome(Verb.ENABLE, local=False, value=None, settled=False).answer is P


@given(
    verb=st.sampled_from([Verb.ENABLE, Verb.DISABLE]),
    local=st.booleans(),
    value=st.none() | st.text(),
    settled=st.booleans(),
)
def test_a_proposal_sets_true_or_removes_and_really_changes_something(
    verb: Verb,
    local: bool,  # noqa: FBT001 - drawn
    value: str | None,
    settled: bool,  # noqa: FBT001 - drawn
) -> None:
    """No proposal for what is so already; no value that is documented nowhere."""
    found = outcome(verb, local=local, value=value, settled=settled)
    if found.answer is P:
        assert found.value == ("true" if verb is Verb.ENABLE else None)
        assert found.value != value
    else:
        assert found.sentence.endswith(".")
