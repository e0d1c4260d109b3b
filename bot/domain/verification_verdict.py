"""The verdict of a run, in words and numbers, by the tables of `verification_rule`."""

from collections.abc import Sequence

from bot.domain.change import MeasuredClient
from bot.domain.verification import (
    Count,
    Judgement,
    Outcome,
    Part,
    ProbePhase,
    Row,
    Run,
    Target,
    Verdict,
)
from bot.domain.verification_beside import beside
from bot.domain.verification_cause import of_no_connection, of_wrong_way
from bot.domain.verification_count import ENOUGH, chosen, count
from bot.domain.verification_pattern import MORE_BURSTS, affordable, given_up, tries
from bot.domain.verification_rule import RowRule, Seen, row_rule, run_rule
from bot.domain.verification_stamp import quiet_counts, stampings
from bot.domain.words import listed

_WAY = {True: "through the load balancer", False: "past the load balancer", None: "either way"}
_FOLLOWS = "the counter follows the on/off pattern of each client"
_STAYS = "each client connected, and the counter stayed as it is outside the bursts"
_SETTLES = {
    "engine-wrong": "a look at why this path works: the explanation says that it should not",
    "nothing-connected": "a measurement before the change, to compare with",
    "no-counter": "the load balancer's counters: cloud credentials that may read them, or a longer window",
    "stuck-counter": "connections that cross the load balancer for certain, from outside the cluster, while it is "
    "measured: then its counter must move",
    "unclear": "more connections per burst, or a time with less other traffic",
    "nothing-to-compare": "a measurement before the change",
    "no-difference": "a rollback and another run: the counter should fall again",
}
_STATED = {
    "right-to-fail": "it cannot get there, as expected",
    "engine-wrong": "it gets there, though the explanation says that it cannot: the explanation is wrong here",
    "nothing-connected": "nothing connected, and nothing says whether it should",
    "depends": "it gets there; its way depends on the backend or node that is picked",
    "no-difference": "it is as expected now, but before the patch it was not seen on the other way, so nothing "
    "shows that the patch did it",
    "nothing-to-compare": "it is as expected now, and how it was before the patch could not be told: nothing shows that "
    "the patch did it",
}


def verdict(run: Run) -> Verdict:
    """Say what a run found; data that are not there never help it to succeed."""
    rows = tuple(_row(run, client) for client in run.plan.clients)
    rule = run_rule(run, rows)
    others = quiet_counts(run, after_patch=True)
    return Verdict(
        outcome=rule.then,
        rule=rule.code,
        headline=_headline(run, rows, rule.then, rule.code),
        in_the_past=_success(run, past=True) if rule.then is Outcome.SUCCEEDED else "",
        rows=rows,
        confidence=_confidence(rows, rule.then),
        sure_because=_sure_because(run, rule.then),
        not_looked_at=_not_looked_at(run),
        would_settle=_would_settle(run, rows) if rule.then is Outcome.INCONCLUSIVE else (),
        noise=round(sum(others) / len(others), 1) if others else None,
        spread=round((max(others) - min(others)) / 2, 1) if others else None,
        beside=() if run.blind else beside(run, late=stampings(run)[0]),
        calls=run.calls,
    )


def look_again(run: Run) -> tuple[Target, ...]:
    """Say which nodes to look at by themselves: of classes that are not as expected, for a reason that may pass.

    A node may have resynchronised late; and nodes that went together can be told apart.
    """
    worth = {"cut-off", "unsteady", "wrong-way", "unclear"}
    if run.readings and not run.blind:
        worth.add("no-counter")  # the counters come, but not the one that was needed
    found = [
        Target(client=row.client, node=node)
        for row in sorted(
            (_row(run, c) for c in run.plan.clients), key=lambda r: r.judgement is not Judgement.CONTRADICTED
        )
        if row.rule in worth
        for node in row.after.nodes
    ]
    return _whole_classes(run, found)


def _whole_classes(run: Run, found: Sequence[Target]) -> tuple[Target, ...]:
    """Keep classes whose every node can be looked at; a class that is looked at in part stays open."""
    kept: list[Target] = []
    for client in dict.fromkeys(t.client for t in found):
        nodes = [t for t in found if t.client == client]
        together = [*kept, *nodes]
        if len(together) <= MORE_BURSTS and affordable(run, *(t.client for t in together)):
            kept = together
    return tuple(kept)


def _row(run: Run, client: MeasuredClient) -> Row:
    before = count(run, client.name, before=True) if run.comparing else None
    after = count(run, client.name, before=False)
    rule = row_rule(Seen(client=client, before=before, after=after))
    return Row(
        client=client.name,
        expected=_expected(client),
        before=before,
        after=after,
        judgement=rule.then,
        rule=rule.code,
        explanation=_explanation(run, client, rule, after),
    )


def _expected(client: MeasuredClient) -> str:
    match client.expect_after:
        case "unreachable":
            return "no connection"
        case "undetermined":
            return "unknown"
        case _:
            return _WAY[client.through_after]


def _explanation(run: Run, client: MeasuredClient, rule: RowRule, after: Count) -> str:
    match rule.code:
        case "cut-off" | "unsteady":
            return of_no_connection(run, client, after)
        case "wrong-way":
            return of_wrong_way(run, client, after)
        case "not-measured" | "no-counter" | "stuck-counter" | "unclear":
            return after.why or rule.when
        case "as-expected":
            return f"it goes {_WAY[client.through_after]}, as expected"
        case _:
            return _STATED[rule.code]


def _headline(run: Run, rows: Sequence[Row], outcome: Outcome, code: str) -> str:
    match outcome:
        case Outcome.SUCCEEDED:
            return _success(run)
        case Outcome.FAILED:
            worst = min((r for r in rows if r.judgement is Judgement.CONTRADICTED), key=lambda r: r.client)
            of = "" if run.plan.others else f" of {run.service}"
            return f"{worst.client}{of}: {worst.explanation}"
        case Outcome.INCONCLUSIVE:
            each = (run.service, *run.plan.others)
            are = "are" if run.plan.others else "is"
            return (
                f"it is not shown that {listed(each)} {are} reached as expected: {_why_open(run, rows, code)}"
            )


def _success(run: Run, *, past: bool = False) -> str:
    ways = {c.through_after for c in run.plan.clients if c.through_after is not None}
    now = "now " if run.change_id and not past else ""
    traffic = f"in-cluster traffic to {listed(run.plan.measured or (run.service,))} {now}"
    match sorted(ways):
        case [True]:
            return f"{traffic}{'crossed' if past else 'crosses'} the load balancer{_unmeasured(run)}"
        case [False]:
            return (
                f"{traffic}{'went' if past else 'goes'} past the load balancer, as expected{_unmeasured(run)}"
            )
        case _:
            return f"{traffic}{'took' if past else 'takes'} the ways that were expected{_unmeasured(run)}"


def _unmeasured(run: Run) -> str:
    """Name what was changed too, and of which nothing was seen: no success is claimed for it."""
    rest = run.plan.unmeasured
    return f"; not measured, so nothing is known of: {listed(rest)}" if rest else ""


def _why_open(run: Run, rows: Sequence[Row], code: str) -> str:
    match code:
        case "stopped":
            return "the run was stopped"
        case "no-clients":
            return "no probes are configured" if run.plan.how == "none" else "no client could be placed"
        case "nobody-connected":
            return "no client connected, which was expected, but proves little"
        case "no-way-seen":
            return "the way of every client depends on the backend or node that is picked"
        case _:
            first = min(
                (r for r in rows if r.judgement is Judgement.OPEN), key=lambda r: (_rank(r), r.client)
            )
            return f"{first.client}: {first.explanation}"


def _rank(row: Row) -> int:
    """Counters that nobody could read explain every row at once; they go first."""
    return 0 if row.rule in {"no-counter", "stuck-counter"} else 1


def _confidence(rows: Sequence[Row], outcome: Outcome) -> float | None:
    decisive = {
        Outcome.SUCCEEDED: {"as-expected"},
        Outcome.FAILED: {"wrong-way"},
        Outcome.INCONCLUSIVE: set[str](),
    }[outcome]
    return min((r.after.confidence for r in rows if r.rule in decisive), default=None)


def _sure_because(run: Run, outcome: Outcome) -> str:
    if outcome is not Outcome.SUCCEEDED:
        return ""
    crossing = {c.through_after for c in run.plan.clients if c.through_after is not None} != {False}
    seen = _FOLLOWS if crossing else _STAYS
    if not run.comparing:
        return f"{seen}; there is no measurement before to compare with"
    return f"{seen}; before the patch it {'did not' if crossing else 'followed them'}"


def _not_looked_at(run: Run) -> tuple[str, ...]:
    found = list(run.plan.left_out)
    if run.change_id and not run.comparing:
        found.insert(
            0, "how it was before the patch: it was applied at once, so there is nothing to compare with"
        )
    for client in run.plan.clients:
        more = max(client.of, len(client.nodes)) - max(1, len(client.nodes))
        if more > 0:
            found.append(f"{client.name}: {more} more {'nodes' if more > 1 else 'node'}")
        for node, why in _skipped(run, client.name).items():
            found.append(f"{client.name}: {node} ({why})")
    return tuple(dict.fromkeys(found))


def _skipped(run: Run, client: str) -> dict[str, str]:
    turn = Target(client=client, node="")
    measured = chosen(run, Part.AFTER, turn)
    bursts = tries(run, Part.AFTER, turn)
    return {n: why for b in bursts for n, why in given_up(b).items()} if measured else {}


def _would_settle(run: Run, rows: Sequence[Row]) -> tuple[str, ...]:
    if run.stopped_by:
        return (_UNTIL_ITS_END,)
    if run.plan.how == "none":
        return (_ANY_CLIENT,)
    return tuple(dict.fromkeys(_settling(run, row) for row in rows if row.judgement is Judgement.OPEN))


def _settling(run: Run, row: Row) -> str:
    if row.rule != "not-measured":
        return _SETTLES[row.rule]
    if row.after.attempts is None:
        return _never_counted(run, row.client)
    if row.after.attempts >= ENOUGH:
        return "a client that can try: its own errors have to be mended first"
    if row.after.errors.get("other") == row.after.attempts:
        return (
            "a look at what resets the connections: a client stops at the first few, because some databases lock out "
            "a host whose connections break off"
        )
    if row.after.errors.get("timeout"):
        return (
            "a look at why connections time out: waiting for them leaves no time for the "
            f"{ENOUGH} attempts that a verdict needs"
        )
    return f"more connections per burst: below {ENOUGH} attempts nothing is said"


_UNTIL_ITS_END = "another run that nobody stops"
_ANY_CLIENT = "a client: `verification.clients: probe` or `exec` in the configuration of this cluster"
_USED_UP = "another run: this one has opened as many connections as were approved"
_NO_COMMAND = (
    "a backend in which the bot may run a command (`create` and `get` on `pods/exec`), with a shell and a tool that "
    "connects, and without a mesh's sidecar; or `verification.clients: probe`"
)
_UNSTARTED = "a probe that can start on the nodes of this class"
_UNFINISHED = "a probe that runs to its end on the nodes of this class, and brings its counts"


def _never_counted(run: Run, client: str) -> str:
    """What would settle a class that brought no count, by what kept it from that."""
    if not _started_nowhere(run, client):
        return _UNFINISHED if affordable(run, client) else _USED_UP
    return _NO_COMMAND if run.plan.how == "exec" else _UNSTARTED


def _started_nowhere(run: Run, client: str) -> bool:
    """Whether no probe of the class ran at all, as far as was seen."""
    probes = (probe for burst in run.bursts if burst.client == client for probe in burst.probes)
    return all(probe.phase is ProbePhase.NEVER_STARTED for probe in probes)
