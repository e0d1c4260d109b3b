"""Applying what was approved, and nothing else: read again, compare, rehearse, patch, record.

Never twice: a step whose value is there already, owned by our field manager, was applied by an attempt that did
not live to record it. Never blind: after a lost answer the Service is read before anything else is tried.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from bot.domain.approval import still_stands
from bot.domain.change import Change, Step
from bot.domain.policy import Decision, all_agree, policy_for
from bot.operations.caller import Caller
from bot.operations.rights import groups_of, person_of
from bot.operations.world import World
from bot.ports import Cluster, Conflict, Forbidden, Invalid, LiveService, NotFound, Person

MANAGER = "elb-passthrough-bot"
"""Our field manager, as the contract names it."""
TRIES = 3
"""How often a 409 is answered by reading again."""


class Result(StrEnum):
    """How one step ended."""

    APPLIED = "applied"
    SUPERSEDED = "superseded"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class Applied:
    """What became of a step, with the sentence for people."""

    result: Result
    sentence: str = ""
    resource_version: str = ""


async def still_allowed(world: World, change: Change) -> Decision:
    """Ask the policies of every namespace once more, just before the patch."""
    spaces = dict.fromkeys(step.service.namespace for step in change.steps)
    policies = [policy_for(world.settings.policies, change.cluster, space) for space in spaces]
    groups = await groups_of(world, {group for policy in policies for group in policy.groups()})
    people = await _people(world, change)
    return all_agree(still_stands(policy, change, people, groups, world.clock()) for policy in policies)


async def _people(world: World, change: Change) -> Mapping[str, Person]:
    ids = {change.requested_by, *(approval.by for approval in change.approvals)}
    callers = [Caller(user=user, team="", channel="") for user in sorted(ids)]
    return {caller.user: await person_of(world, caller) for caller in callers}


async def apply_step(cluster: Cluster, step: Step) -> Applied:
    """Patch one Service as approved, or say why not.

    Raises:
        Unavailable: the cluster does not answer; the caller tries the step again later, from its reading.
    """
    for _ in range(TRIES):
        live = await _live(cluster, step)
        if isinstance(live, Applied):
            return live
        if there(live, step):
            return Applied(result=Result.APPLIED, resource_version=live.resource_version)
        if (difference := differs(live, step)) is not None:
            return Applied(result=Result.SUPERSEDED, sentence=difference)
        try:
            return await _patch(cluster, step, live)
        except Conflict:
            continue
    return Applied(
        result=Result.REFUSED,
        sentence=f"{step.service} changed {TRIES} times while it was being patched. Nothing was patched; propose again when it is quiet.",
    )


async def _live(cluster: Cluster, step: Step) -> LiveService | Applied:
    try:
        return await cluster.read(step.service)
    except NotFound:
        return Applied(result=Result.SUPERSEDED, sentence=f"{step.service} was deleted since.")
    except (Forbidden, Invalid) as error:
        return Applied(result=Result.REFUSED, sentence=f"{step.service} could not be read: {error}")


def there(live: LiveService, step: Step) -> bool:
    """Whether this very step has been applied already, by us."""
    return live.uid == step.uid and all(
        live.annotations.get(key) == value and (value is None or live.touched_by.get(key) == MANAGER)
        for key, value in step.after.items()
    )


def differs(live: LiveService, step: Step) -> str | None:
    """Say what is different from what was approved; None: nothing that the digest covers."""
    if live.uid != step.uid:
        return f"{step.service} was deleted and made again since."
    for key, value in step.before.items():
        if live.annotations.get(key) != value:
            who = live.touched_by.get(key, "somebody")
            return f"{who} changed {key} on {step.service} since."
    if live.read_hash != step.read_hash:
        return f"The spec or the ELB annotations of {step.service} changed since."
    return None


async def _patch(cluster: Cluster, step: Step, live: LiveService) -> Applied:
    """Rehearse on the API server, then patch with the fresh resourceVersion as the precondition."""
    try:
        for dry_run in (True, False):
            live = await cluster.patch(
                step.service, step.after, resource_version=live.resource_version, dry_run=dry_run
            )
    except (Forbidden, Invalid) as error:
        return Applied(
            result=Result.REFUSED, sentence=f"The API server refused the patch of {step.service}: {error}"
        )
    except NotFound:
        return Applied(result=Result.SUPERSEDED, sentence=f"{step.service} was deleted since.")
    return Applied(result=Result.APPLIED, resource_version=live.resource_version)


async def undo_step(cluster: Cluster, step: Step) -> str:
    """Put one applied step back, because the others cannot be completed; return what went wrong, or nothing."""
    try:
        live = await cluster.read(step.service)
        if not there(live, step):
            return ""
        await cluster.patch(step.service, step.before, resource_version=live.resource_version, dry_run=False)
    except (Conflict, Forbidden, Invalid, NotFound) as error:
        return f"{step.service} could not be put back: {error}"
    return ""
