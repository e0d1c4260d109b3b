"""Applying what was approved, and nothing else: read again, compare, rehearse, patch, record.

Never twice: a step whose value is there already, owned by our field manager, was applied by an attempt that did
not live to record it. Never blind: after a lost answer the Service is read before anything else is tried.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar

from bot.domain.change import Step
from bot.domain.patch import FIELD_MANAGER
from bot.domain.words import ended, unmarked
from bot.operations.rehearsal import rehearse
from bot.ports import Cluster, Conflict, Forbidden, Invalid, LiveService, NotFound, Unavailable

Answer = TypeVar("Answer")
Guard = Callable[[str], Awaitable[None]]
"""Asked with the resourceVersion right before a patch is sent for good; raises where it must wait."""

TRIES = 3
"""How often a 409 is answered by reading again."""


class UnansweredError(Unavailable):
    """The API server let the Service be read, and did not answer the patch or its rehearsal."""


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


async def apply_step(  # noqa: PLR0911 - each is an end that a step may have
    cluster: Cluster, step: Step, *, resumed: bool, sent_over: str | None, in_vain: str, allowed: Guard
) -> Applied:
    """Patch one Service as approved, or say why not.

    Args:
        cluster: where it is.
        step: what was approved.
        resumed: whether an earlier attempt may have sent this very patch.
        sent_over: with which resourceVersion; None where that is not known.
        in_vain: why it is not tried any more; empty: it is.
        allowed: see `Guard`.

    Raises:
        UnansweredError: the patch was not answered; the caller tries the step again later, from its reading.
        Unavailable: the cluster cannot be read; likewise.
    """
    for tried in range(TRIES):
        live = await _live(cluster, step)
        if isinstance(live, Applied):
            return live
        if (resumed or tried) and there(live, step):
            return Applied(result=Result.APPLIED, resource_version=live.resource_version)
        if (difference := differs(live, step)) is not None:
            return Applied(result=Result.SUPERSEDED, sentence=difference)
        if not tried and sent_over not in (None, live.resource_version):
            # The patch may have landed, and somebody may have undone it: that is not undone again.
            return Applied(result=Result.SUPERSEDED, sentence=_perhaps(step))
        if in_vain:
            return Applied(result=Result.REFUSED, sentence=in_vain)
        try:
            return await _patch(cluster, step, live, allowed)
        except Conflict:
            continue
    return _restless(step)


async def rehearse_step(cluster: Cluster, step: Step, *, in_vain: str) -> Applied | None:
    """Say why a step could not be applied as things are; None: it could. Nothing is written. Arguments and errors as of `apply_step`."""
    for _ in range(TRIES):
        live = await _live(cluster, step)
        if isinstance(live, Applied):
            return live
        if (difference := differs(live, step)) is not None:
            return Applied(result=Result.SUPERSEDED, sentence=difference)
        if in_vain:
            return Applied(result=Result.REFUSED, sentence=in_vain)
        try:
            return await _rehearsed(cluster, step, live)
        except Conflict:
            continue
    return _restless(step)


def _restless(step: Step) -> Applied:
    return Applied(
        result=Result.REFUSED,
        sentence=f"{step.service} changed {TRIES} times while it was being patched. Propose again when it is quiet.",
    )


async def _live(cluster: Cluster, step: Step) -> LiveService | Applied:
    try:
        return await cluster.read(step.service)
    except NotFound:
        return _deleted(step)
    except (Forbidden, Invalid) as error:
        return Applied(result=Result.REFUSED, sentence=f"{step.service} could not be read: {ended(error)}")


def there(live: LiveService, step: Step) -> bool:
    """Whether the Service has what this step sets, by us; who removed a key, nobody records."""
    return live.uid == step.uid and all(
        live.annotations.get(key) == value and (value is None or live.touched_by.get(key) == FIELD_MANAGER)
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


async def _patch(cluster: Cluster, step: Step, live: LiveService, allowed: Guard) -> Applied:
    """Rehearse on the API server, then patch with the fresh resourceVersion as the precondition."""
    if against := await _rehearsed(cluster, step, live):
        return against
    try:
        await allowed(live.resource_version)
        live = await _answered(
            cluster.patch(step.service, step.after, resource_version=live.resource_version, dry_run=False)
        )
    except (Forbidden, Invalid) as error:
        return _refused(step, error)
    except NotFound:
        return _deleted(step)
    if why := _made_of_it(live, step):
        return Applied(result=Result.REFUSED, sentence=why)
    return Applied(result=Result.APPLIED, resource_version=live.resource_version)


async def _rehearsed(cluster: Cluster, step: Step, live: LiveService) -> Applied | None:
    """Let the API server try the patch without keeping it; say what speaks against it, None: nothing."""
    try:
        more = set(await _answered(rehearse(cluster, step, live))) - set(step.besides)
    except (Forbidden, Invalid) as error:
        return _refused(step, error)
    except NotFound:
        return _deleted(step)
    return Applied(result=Result.SUPERSEDED, sentence=_unseen(step, more)) if more else None


def _refused(step: Step, error: Forbidden | Invalid) -> Applied:
    sentence = f"The API server refused the patch of {step.service}: {ended(error)}"
    return Applied(result=Result.REFUSED, sentence=sentence)


def _deleted(step: Step) -> Applied:
    return Applied(result=Result.SUPERSEDED, sentence=f"{step.service} was deleted since.")


async def _answered(call: Awaitable[Answer]) -> Answer:
    try:
        return await call
    except Unavailable as error:
        raise UnansweredError(str(error), retry_after=error.retry_after) from error


def _made_of_it(live: LiveService, step: Step) -> str:
    """Say what a webhook that lets rehearsals alone made of the patch; nothing where it is what was sent."""
    for key, value in step.after.items():
        if (now := live.annotations.get(key)) != value:
            left = "the key is absent" if now is None else f"its value is “{unmarked(now)}”"
            return f"The API server took the patch of {step.service}, and a webhook of the cluster made something else of it: {key}, {left}."
    return ""


def _perhaps(step: Step) -> str:
    return f"{step.service} was written to while it was not known whether the patch had arrived; it is not there."


def _unseen(step: Step, keys: set[str]) -> str:
    return f"A webhook of the cluster would change {', '.join(sorted(keys))} on {step.service} too, which the proposal did not show."


@dataclass(frozen=True, slots=True, kw_only=True)
class Undone:
    """What became of a step that was to be put back; nothing said: it is not there."""

    back: bool = False
    """Whether it was there, and is as before again."""
    trouble: str = ""
    """Why it could not be put back."""
    left: str = ""
    """What somebody else made of it meanwhile, which was left as it is."""


async def undo_step(cluster: Cluster, step: Step, *, allowed: Guard) -> Undone:
    """Put one applied step back, because the others cannot be completed; what hinders one keeps none from being tried.

    Raises:
        Unavailable: the Service cannot be read, so nobody knows whether there is anything to put back.
    """
    trouble: object = ""
    for _ in range(TRIES):
        try:
            live = await cluster.read(step.service)
            if not there(live, step):
                return Undone(left=_left(live, step))
            await allowed(live.resource_version)
            await _answered(
                cluster.patch(
                    step.service, step.before, resource_version=live.resource_version, dry_run=False
                )
            )
        except Conflict as error:
            trouble = error
        except NotFound:
            return Undone()
        except (Forbidden, Invalid, UnansweredError) as error:
            trouble = error
            break
        else:
            return Undone(back=True)
    return Undone(trouble=unmarked(trouble))


def _left(live: LiveService, step: Step) -> str:
    for key, value in step.before.items():
        if live.uid == step.uid and live.annotations.get(key) != value:
            who = unmarked(live.touched_by.get(key, "Somebody"))
            return f"{who} changed {key} on {step.service} meanwhile; that was left as it is."
    return ""
