"""What the patch template, a team's own or the shipped one, makes of a Service; and whether it still does."""

from collections.abc import Mapping

from bot.domain.change import Change, Verb
from bot.domain.objects import PASS_THROUGH, Ref, Service, TrafficPolicy
from bot.domain.patch import PatchRefusedError, allowed_annotations, as_asked
from bot.operations.refusal import Refused
from bot.operations.world import World
from bot.render import RenderError

TEMPLATE = "pass-through"


def patch_for(world: World, service: Service, value: str | None) -> Mapping[str, str | None]:
    """Render the annotations that a change sets.

    Raises:
        Refused: the template is broken, or sets what it may not.
    """
    context = {"service": _view(service), "value": value}
    try:
        rendered = world.renderer.patch(TEMPLATE, context)
        return as_asked(allowed_annotations(rendered, world.settings.patches_allow), value)
    except (RenderError, PatchRefusedError) as error:
        raise Refused(f"The patch template is refused: {error}. Nothing was proposed.") from error


def _view(service: Service) -> dict[str, object]:
    """What a patch template may see of a Service: no last-applied-configuration, nothing secret."""
    return {
        "namespace": service.ref.namespace,
        "name": service.ref.name,
        "labels": dict(service.labels),
        "local": service.external_policy is TrafficPolicy.LOCAL,
        "elb": {
            key: text for key, text in service.annotations.items() if key.startswith("kubernetes.io/elb.")
        },
    }


def rewritten(world: World, change: Change) -> str:
    """Say that the template makes another patch by now; nothing where it makes the very one that was proposed.

    A new version of the bot, or a comment, may change the template and not the patch: that voids no approval.
    """
    if change.verb is Verb.ROLLBACK or _same_source(world, change):
        return ""
    snapshot = world.clusters.get(change.cluster).snapshot()
    for step in change.steps:
        service = snapshot.service(Ref(step.service.namespace, step.service.name))
        if service is not None and not _makes(world, service, step.after):
            return f"The patch template makes another patch for {step.service} than when it was proposed."
    return ""


def _same_source(world: World, change: Change) -> bool:
    try:
        return world.renderer.patch_digest(TEMPLATE) == change.template_digest
    except RenderError:
        return False


def _makes(world: World, service: Service, after: Mapping[str, str | None]) -> bool:
    try:
        return patch_for(world, service, after.get(PASS_THROUGH)) == after
    except Refused:
        return False
