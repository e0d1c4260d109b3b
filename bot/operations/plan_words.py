"""What a verification will send, as the card says it: this is what people approve."""

from dataclasses import replace

from bot.domain.change import Change, MeasurementPlan
from bot.domain.verification_pattern import at_most
from bot.domain.verification_pattern import duration as measuring
from bot.domain.words import counted, duration

MOST_ADDRESSES = 3
"""Addresses that are named; the digest covers all of them."""
FEW = "few, because some databases lock a client out when it opens many connections and says nothing on them"


def plan_words(change: Change) -> str:
    """Say from where, how many, whereto, when, and how long it takes."""
    plan = change.plan
    if plan is None or not plan.clients:
        return "nothing is measured; the verdict will be inconclusive"
    if plan.how == "none":
        return "no connection is made (verification.clients: none); the verdict will be inconclusive"
    plan = replace(plan, compare=plan.compare and not change.at_once)
    when = ", before and after" if plan.compare else ""
    who = counted(len(plan.clients), "client class", "client classes")
    took = f"about {duration(measuring(plan))}"
    bare = any(target.startswith("tcp://") for client in plan.clients for target in client.targets)
    fewer = sorted({client.connections for client in plan.clients} - {0})
    few = f" (bare TCP {fewer[0]})" if fewer else ""
    most = f"never more than {at_most(plan):,} in all, with what is repeated or looked at again node by node"
    return f"{who} × {plan.connections} connections{few}{_whereto(plan)}{when}, {took}; {most}" + (
        f"; {FEW}" if bare else ""
    )


def _whereto(plan: MeasurementPlan) -> str:
    more = len(plan.addresses) - MOST_ADDRESSES
    shown = ", ".join([*plan.addresses[:MOST_ADDRESSES], *([f"{more} more"] if more > 0 else [])])
    pinned = f" (what {', '.join(plan.pinned)} was resolved to, once)" if plan.pinned else ""
    return f" to {shown}{pinned}" if shown else ""
