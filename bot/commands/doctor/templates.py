"""A team's own templates, checked: whether each compiles, has a template's name, and renders a patch that may be sent."""

from collections.abc import Iterator

from bot.commands.doctor.check import Check, fail, ok
from bot.config import Settings
from bot.domain.patch import PatchRefusedError, allowed_annotations, as_asked
from bot.render import Renderer, RenderError

_SAMPLE = {
    "namespace": "shop",
    "name": "checkout",
    "labels": {"app": "checkout"},
    "local": False,
    "elb": {"kubernetes.io/elb.class": "union"},
}
"""A Service as a patch template sees it."""


def checks(settings: Settings) -> list[Check]:
    """Return one check for all of them; none where a team has no templates of its own."""
    if settings.templates is None:
        return []
    what = f"templates in {settings.templates}"
    renderer = Renderer(settings.templates)
    faults = [*renderer.own_faults(), *_patches(settings, renderer)]
    if faults:
        return [fail(what, "; ".join(dict.fromkeys(faults)), "docs/configuration.md, Templates of your own")]
    return [ok(what, "each compiles; enabling and disabling render patches that may be sent")]


def _patches(settings: Settings, renderer: Renderer) -> Iterator[str]:
    """Render the patch of a sample Service both ways."""
    for value in ("true", None):
        try:
            rendered = renderer.patch("pass-through", {"service": _SAMPLE, "value": value})
            as_asked(allowed_annotations(rendered, settings.patches_allow), value)
        except (RenderError, PatchRefusedError) as error:
            yield f"{'disabling' if value is None else 'enabling'}: {error}"
