"""The written order in which a verdict is found: the first rule that holds decides.

Two tables, one for a class of client and one for the run; docs/verification.md shows them, and a test compares.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bot.domain.change import MeasuredClient
from bot.domain.verification import Connectivity, Count, Crossing, Judgement, Outcome, Row, Run


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What is known of one class of client: what was expected, and what was counted."""

    client: MeasuredClient
    before: Count | None
    after: Count

    @property
    def expected(self) -> str:
        """The path engine's verdict after the change."""
        return self.client.expect_after

    @property
    def worked_before(self) -> bool:
        """Whether the class got there before the patch."""
        return self.before is not None and self.before.connectivity is Connectivity.REACHABLE

    @property
    def should_move(self) -> bool:
        """Whether the change is meant to move this class onto the load balancer, or off it."""
        client = self.client
        return client.through_before is not None and client.through_before != client.through_after

    @property
    def moved(self) -> bool:
        """Whether some of the class was seen on the other side of the load balancer before, or got nowhere.

        Partly is enough: before a rollback of a change that one node never followed, that node's clients are
        on the right way already, and the others' move is what shows that the patch did it.
        """
        if self.before is None:
            return True
        if self.before.connectivity is Connectivity.UNREACHABLE:
            return True
        wanted = Crossing.CROSSED if self.client.through_before else Crossing.BYPASSED
        return self.before.crossing in {wanted, Crossing.PARTLY}


@dataclass(frozen=True, slots=True, kw_only=True)
class RowRule:
    """One line of the first table."""

    code: str
    when: str
    then: Judgement
    holds: Callable[[Seen], bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRule:
    """One line of the second table."""

    code: str
    when: str
    then: Outcome
    holds: Callable[[Run, Sequence[Row]], bool]


def _not_measured_before(seen: Seen) -> bool:
    return seen.before is not None and seen.before.connectivity is Connectivity.UNKNOWN


def _cut_off(seen: Seen) -> bool:
    expected_to_fail = seen.expected == "unreachable"
    counts = seen.expected == "reachable" or seen.worked_before
    return seen.after.connectivity is Connectivity.UNREACHABLE and counts and not expected_to_fail


def _unsteady(seen: Seen) -> bool:
    counts = seen.expected == "reachable" or (seen.expected == "undetermined" and seen.worked_before)
    return seen.after.connectivity is Connectivity.INCONSISTENT and counts


def _without_effect(seen: Seen) -> bool:
    """Whether it goes past the load balancer still, or may: a counter that is stuck does not show that it does not."""
    return seen.client.through_after is True and seen.after.crossing in {Crossing.BYPASSED, Crossing.STUCK}


def _wrong_way(seen: Seen) -> bool:
    wrong = {
        True: {Crossing.BYPASSED, Crossing.PARTLY},
        False: {Crossing.CROSSED, Crossing.PARTLY},
        None: set[Crossing](),
    }
    return seen.after.crossing in wrong[seen.client.through_after]


ROW_RULES: tuple[RowRule, ...] = (
    RowRule(
        code="not-measured",
        when="No probe of the class brought its counts, fewer than 10 attempts were made, or every error was the "
        "client's own.",
        then=Judgement.OPEN,
        holds=lambda s: s.after.connectivity is Connectivity.UNKNOWN,
    ),
    RowRule(
        code="right-to-fail",
        when="Nothing connected, and the path was expected to be unreachable.",
        then=Judgement.AS_EXPECTED,
        holds=lambda s: s.expected == "unreachable" and s.after.connectivity is Connectivity.UNREACHABLE,
    ),
    RowRule(
        code="engine-wrong",
        when="Something connected, though the path was expected to be unreachable; and it is not that it still goes "
        "past the load balancer.",
        then=Judgement.OPEN,
        holds=lambda s: s.expected == "unreachable" and not _without_effect(s),
    ),
    RowRule(
        code="cut-off",
        when="Nothing connected, and the path was expected to be reachable, or it was before the patch.",
        then=Judgement.CONTRADICTED,
        holds=_cut_off,
    ),
    RowRule(
        code="unsteady",
        when="Some connected and more than 5 % did not, or one node's all did not, and the path was expected to "
        "be reachable, or it was before the patch and nothing is expected.",
        then=Judgement.CONTRADICTED,
        holds=_unsteady,
    ),
    RowRule(
        code="nothing-connected",
        when="Nothing connected, and neither the path nor a count from before says what to expect.",
        then=Judgement.OPEN,
        holds=lambda s: s.after.connectivity is Connectivity.UNREACHABLE,
    ),
    RowRule(
        code="wrong-way",
        when="The counter shows that some or all connections took the other way than expected: past the load "
        "balancer, or through it.",
        then=Judgement.CONTRADICTED,
        holds=_wrong_way,
    ),
    RowRule(
        code="nothing-to-compare",
        when="It connects, and the same class was not measured before the patch, though it should have been.",
        then=Judgement.OPEN,
        holds=_not_measured_before,
    ),
    RowRule(
        code="depends",
        when="It connects, and the way that it takes depends on which backend or node is picked, or is unknown: "
        "connecting is all that is asked.",
        then=Judgement.AS_EXPECTED,
        holds=lambda s: s.client.through_after is None,
    ),
    RowRule(
        code="no-counter",
        when="It connects, and the load balancer's counter never came; a missing counter is not zero.",
        then=Judgement.OPEN,
        holds=lambda s: s.after.crossing is Crossing.UNSEEN,
    ),
    RowRule(
        code="stuck-counter",
        when="It connects, and the load balancer's counter never moved: nothing shows that it counts, so what it says "
        "is no evidence either way.",
        then=Judgement.OPEN,
        holds=lambda s: s.after.crossing is Crossing.STUCK,
    ),
    RowRule(
        code="unclear",
        when="It connects, and noise, rounding, a shifted clock, or the end of its period that a point may be stamped "
        "with, leave more than one answer.",
        then=Judgement.OPEN,
        holds=lambda s: s.after.crossing is Crossing.UNCLEAR,
    ),
    RowRule(
        code="no-difference",
        when="It is as expected now, and the patch was meant to move it, but before the patch none of it was seen "
        "on the other way.",
        then=Judgement.OPEN,
        holds=lambda s: s.should_move and not s.moved,
    ),
    RowRule(
        code="as-expected",
        when="It connects, and the counter shows the expected way.",
        then=Judgement.AS_EXPECTED,
        holds=lambda _: True,
    ),
)

RUN_RULES: tuple[RunRule, ...] = (
    RunRule(
        code="stopped",
        when="Somebody stopped the run.",
        then=Outcome.INCONCLUSIVE,
        holds=lambda run, _: bool(run.stopped_by),
    ),
    RunRule(
        code="no-clients",
        when="There was nothing to connect from: no client is configured, or no class has a node.",
        then=Outcome.INCONCLUSIVE,
        holds=lambda run, rows: not rows or run.plan.how == "none",
    ),
    RunRule(
        code="contradicted",
        when="A class of client contradicts what was expected.",
        then=Outcome.FAILED,
        holds=lambda _, rows: any(r.judgement is Judgement.CONTRADICTED for r in rows),
    ),
    RunRule(
        code="open",
        when="A class of client is open.",
        then=Outcome.INCONCLUSIVE,
        holds=lambda _, rows: any(r.judgement is Judgement.OPEN for r in rows),
    ),
    RunRule(
        code="nobody-connected",
        when="No client connected at all, as expected.",
        then=Outcome.INCONCLUSIVE,
        holds=lambda _, rows: not any(r.after.connected for r in rows),
    ),
    RunRule(
        code="no-way-seen",
        when="No class has a way that could be told from the counter.",
        then=Outcome.INCONCLUSIVE,
        holds=lambda _, rows: not any(r.rule == "as-expected" for r in rows),
    ),
    RunRule(
        code="as-expected",
        when="Every class of client is as expected.",
        then=Outcome.SUCCEEDED,
        holds=lambda *_: True,
    ),
)


def row_rule(seen: Seen) -> RowRule:
    """The first rule that holds for a class of client."""
    return next(rule for rule in ROW_RULES if rule.holds(seen))


def run_rule(run: Run, rows: Sequence[Row]) -> RunRule:
    """The first rule that holds for the run."""
    return next(rule for rule in RUN_RULES if rule.holds(run, rows))
