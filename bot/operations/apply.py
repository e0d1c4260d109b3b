"""Applying what was approved, and nothing else: read again, compare, rehearse, patch, record.

Never twice: a step whose value is there already, owned by our field manager, was applied by an attempt that did
not live to record it. Never blind: after a lost answer the Service is read before anything else is tried.
"""

from dataclasses import dataclass
from enum import StrEnum

from bot.domain.change import Step
from bot.domain.words import unmarked
from bot.ports import Cluster, Conflict, Forbidden, Invalid, LiveService, NotFound

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


async def apply_step(cluster: Cluster, step: Step, *, resumed: bool) -> Applied:
    """Patch one Service as approved, or say why not.

    Args:
        cluster: where it is.
        step: what was approved.
        resumed: whether an earlier attempt may have sent this very patch.

    Raises:
        Unavailable: the cluster does not answer; the caller tries the step again later, from its reading.
    """
    for tried in range(TRIES):
        live = await _live(cluster, step)
        if isinstance(live, Applied):
            return live
        if (resumed or tried) and there(live, step):
            return Applied(result=Result.APPLIED, resource_version=live.resource_version)
        if (difference := differs(live, step)) is not None:
            return Applied(result=Result.SUPERSEDED, sentence=difference)
        try:
            return await _patch(cluster, step, live)
        except Conflict:
            continue
    return Applied(
        result=Result.REFUSED,
        sentence=f"{step.service} changed {TRIES} times while it was being patched. Propose again when it is quiet.",
    )


async def _live(cluster: Cluster, step: Step) -> LiveService | Applied:
    try:
        return await cluster.read(step.service)
    except NotFound:
        return Applied(result=Result.SUPERSEDED, sentence=f"{step.service} was deleted since.")
    except (Forbidden, Invalid) as error:
        return Applied(result=Result.REFUSED, sentence=f"{step.service} could not be read: {unmarked(error)}")


def there(live: LiveService, step: Step) -> bool:
    """Whether the Service has what this step sets, by us; who removed a key, nobody records."""
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
            result=Result.REFUSED,
            sentence=f"The API server refused the patch of {step.service}: {unmarked(error)}",
        )
    except NotFound:
        return Applied(result=Result.SUPERSEDED, sentence=f"{step.service} was deleted since.")
    return Applied(result=Result.APPLIED, resource_version=live.resource_version)


async def undo_step(cluster: Cluster, step: Step) -> str:
    """Put one applied step back, because the others cannot be completed; return what went wrong, or nothing.

    Raises:
        Unavailable: the cluster does not answer; the caller tries again later.
    """
    trouble: Exception | None = None
    for _ in range(TRIES):
        try:
            live = await cluster.read(step.service)
            if not there(live, step):
                return ""
            await cluster.patch(
                step.service, step.before, resource_version=live.resource_version, dry_run=False
            )
        except Conflict as error:
            trouble = error
        except (Forbidden, Invalid, NotFound) as error:
            return f"{step.service} could not be put back: {unmarked(error)}"
        else:
            return ""
    return f"{step.service} could not be put back: {unmarked(trouble)}"
