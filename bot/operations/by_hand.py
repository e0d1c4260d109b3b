"""How to make the same change without the bot: the command to copy, and what belongs into Git."""

from dataclasses import replace
from shlex import quote

from bot.domain.change import Change, Step
from bot.domain.owner import Fate, Outlook, Tool


def kubectl(change: Change) -> str:
    """Return the command that would do the same, one line a Service."""
    return "\n".join(_command(step) for step in change.steps)


def kubectl_back(change: Change) -> str:
    """Return the command that puts back what is left of a change, one line a Service."""
    left = (step for step in change.steps if step.service in change.still)
    return "\n".join(_command(replace(step, after=step.before)) for step in left)


def git(change: Change) -> str:
    """Return the piece of each Service's manifest that keeps the change, below where that manifest is kept."""
    fate = change.fate or Fate(outlook=Outlook.FREE)
    if fate.tool is Tool.TERRAFORM:
        return "\n".join(_terraform(step) for step in change.steps)
    where = [f"# {source}" for source in fate.sources]
    if any(source.chart for source in fate.sources):
        where.append("# in the chart's values, where it has any for annotations")
    return "\n".join([*where, "\n---\n".join(_manifest(step) for step in change.steps)])


def _command(step: Step) -> str:
    words = " ".join(
        f"{key}-" if value is None else quote(f"{key}={value}") for key, value in step.after.items()
    )
    return f"kubectl -n {step.service.namespace} annotate --overwrite service {step.service.name} {words}"


def _manifest(step: Step) -> str:
    lines = [
        f"    # remove {key}" if value is None else f"    {key}: {_quoted(value)}"
        for key, value in step.after.items()
    ]
    head = f"metadata:  # Service {step.service.name} in {step.service.namespace}"
    return "\n".join([head, "  annotations:", *lines])


def _terraform(step: Step) -> str:
    lines = [
        f"    # remove {_quoted(key)}" if value is None else f"    {_quoted(key)} = {_quoted(value)}"
        for key, value in step.after.items()
    ]
    head = f"metadata {{  # Service {step.service.name} in {step.service.namespace}"
    return "\n".join([head, "  annotations = {", *lines, "  }", "}"])


def _quoted(value: str) -> str:
    """Quote a value for YAML or Terraform: an annotation is a string, also where it looks like a boolean."""
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
