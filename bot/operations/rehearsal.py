"""What the API server makes of the very patch before it is sent for good: what its webhooks would change besides."""

from collections.abc import Mapping

from bot.domain.change import Step
from bot.ports import Cluster, Invalid, LiveService


async def rehearse(cluster: Cluster, step: Step, live: LiveService) -> tuple[str, ...]:
    """Let the API server try a patch without keeping it; return the other annotations that would change too.

    Raises:
        Invalid: a webhook would take the patch back, or change more than annotations.
        Conflict: the Service is no longer as it was read.
        Forbidden, NotFound, Unavailable: as named.
    """
    tried = await cluster.patch(
        step.service, step.after, resource_version=live.resource_version, dry_run=True
    )
    for key, value in step.after.items():
        if tried.annotations.get(key) != value:
            raise Invalid(f"a webhook sets {key} of {step.service} to another value than the patch does")
    if tried.read_hash != live.read_hash:
        raise Invalid(
            f"a webhook changes the spec or ELB annotations of {step.service} together with the patch"
        )
    wanted = _merged(live.annotations, step.after)
    keys = {*wanted, *tried.annotations}
    return tuple(sorted(key for key in keys if wanted.get(key) != tried.annotations.get(key)))


def _merged(before: Mapping[str, str], patch: Mapping[str, str | None]) -> Mapping[str, str]:
    return {key: value for key, value in {**before, **patch}.items() if value is not None}
