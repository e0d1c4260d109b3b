"""What the patch template, a team's own or the shipped one, makes of a Service; and whether it is still the same."""

from collections.abc import Mapping

from bot.domain.change import Change
from bot.domain.objects import Service, TrafficPolicy
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
    """Say that the template is another than when it was proposed, for its source is approved too; else nothing.

    A change that undoes another one has none: its patch is what was captured.
    """
    if not change.template_digest:
        return ""
    try:
        same = world.renderer.patch_digest(TEMPLATE) == change.template_digest
    except RenderError:
        same = False
    return "" if same else f"The patch template is another than when {change.label} was proposed."
