"""What contradicts the expectation: from which node, what was expected and seen, and the likely cause."""

from collections.abc import Sequence

from bot.domain.change import MeasuredClient
from bot.domain.verification import Count, Judgement, Part, Row, Run, Target
from bot.domain.verification_count import astray, chosen, cut_off

_LIKELY = "Likely: "
_WAY = {True: "through the load balancer", False: "past the load balancer", None: "either way"}


def without_guess(explanation: str) -> str:
    """Leave the likely cause out, for where the cause is known."""
    return explanation.partition(_LIKELY)[0].rstrip()


def of_no_connection(run: Run, client: MeasuredClient, after: Count) -> str:
    """Explain a class of which some or all do not get there."""
    nodes = cut_off(run, client.name) or after.nodes
    kinds = ", ".join(f"{n} {kind}" for kind, n in sorted(after.errors.items()) if n)
    seen = f"{after.connected} of {after.attempts} connected from {named(nodes)} ({kinds or 'no error'})"
    silent = _silent(run, client)
    where = f", none at {', '.join(silent)}" if silent and after.connected else ""
    return f"{seen}{where}; expected: all, {_WAY[client.through_after]}. {_why_not(after)}"


def _silent(run: Run, client: MeasuredClient) -> tuple[str, ...]:
    """Targets at which nothing connected from some node, at the latest look."""
    again = [(Part.RECHECK, t) for t in run.again if t.client == client.name]
    turns = again or [(Part.AFTER, Target(client=client.name, node=""))]
    bursts = [b for part, turn in turns if (b := chosen(run, part, turn)) is not None]
    return tuple(dict.fromkeys(t for b in bursts for p in b.probes for t in p.silent))


def _why_not(after: Count) -> str:
    errors = after.errors
    if errors.get("timeout", 0) >= max(1, errors.get("refused", 0)):
        return (
            f"{_LIKELY}packets or replies are lost on the way: a security group or access list that does not let the "
            "node in, or a load balancer that keeps the client's address in front of a backend on the same node"
        )
    return (
        f"{_LIKELY}kube-proxy on the node refuses because it knows no endpoint to use, or the load balancer has no "
        "listener or healthy member for the port"
    )


def of_wrong_way(run: Run, client: MeasuredClient, after: Count) -> str:
    """Explain a class that takes the other way than expected."""
    alone = astray(run, client.name)
    nodes = alone or after.nodes
    together = "" if alone or len(nodes) == 1 else " together"
    expected = f"from {named(nodes)}{together}, expected {_WAY[client.through_after]}"
    return f"{expected}, but {_counted(run, client, alone, after)}. {_why_astray(client, nodes)}"


def _counted(run: Run, client: MeasuredClient, alone: Sequence[str], after: Count) -> str:
    """How many of the guilty nodes' connections the load balancer saw; of the class where none is told apart."""
    bursts = [
        burst
        for node in alone
        if (burst := chosen(run, Part.RECHECK, Target(client=client.name, node=node))) is not None
    ]
    if not bursts or set(alone) == set(after.nodes):
        return f"the load balancer saw {after.seen} of the {after.connected} connections"
    made = sum(probe.connected or 0 for burst in bursts for probe in burst.probes)
    way = "none or few" if client.through_after else "most or all"
    return f"the load balancer saw {way} of the {made} connections"


def _why_astray(client: MeasuredClient, nodes: Sequence[str]) -> str:
    where = named(nodes)
    if client.through_after:
        return (
            f"{_LIKELY}kube-proxy on {where} still answers for the load balancer's address: it has not taken the "
            "annotation over, or does not know it"
        )
    return (
        f"{_LIKELY}kube-proxy on {where} has not put the load balancer's address back into its rules, or something "
        "wrote the annotation again"
    )


def mend(run: Run, row: Row) -> str:
    """Say what to do next about a class that is not as expected; nothing where it is, or nothing is known to help."""
    client = run.client(row.client)
    if client is None or row.judgement is not Judgement.CONTRADICTED:
        return ""
    if row.rule == "wrong-way":
        nodes = named(astray(run, client.name) or row.after.nodes)
        if client.through_after:
            return f"Restart kube-proxy on {nodes}, then verify again."
        return f"Look at the annotation once more; if it is as it should be, restart kube-proxy on {nodes}, then verify again."
    if row.rule not in {"cut-off", "unsteady"}:
        return ""
    nodes = named(cut_off(run, client.name) or row.after.nodes)
    targets = ", ".join(_silent(run, client) or client.targets)
    return f"Connect from {nodes} to {targets} by hand; look at the load balancer's listeners, members and access list."


def named(nodes: Sequence[str]) -> str:
    """Name some nodes."""
    return ", ".join(nodes) if nodes else "no node"
