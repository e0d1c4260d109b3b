"""What is shipped for a real cluster fits what the bot does there."""

from pathlib import Path
from typing import Any

import yaml

from bot.adapters.cluster.kind import WATCHED

ROOT = Path(__file__).parents[2]


def rules(kind: str) -> list[dict[str, Any]]:
    """The rules of the role of that kind in the manifest."""
    documents = yaml.safe_load_all((ROOT / "deploy/rbac.yaml").read_text(encoding="utf-8"))
    found: list[dict[str, Any]] = next(d for d in documents if d["kind"] == kind)["rules"]
    return found


def allowed(found: list[dict[str, Any]], verb: str) -> set[str]:
    """The paths' groups and resources that a verb is allowed for."""
    return {
        f"{group}/{resource}" if group else resource
        for rule in found
        if verb in rule["verbs"]
        for group in rule["apiGroups"]
        for resource in rule["resources"]
    }


def test_everything_that_is_watched_may_be_listed_and_watched() -> None:
    """A kind that is left out would be unknown in every installation."""
    for kind in WATCHED:
        resource = kind.path().rpartition("/")[2]
        for verb in ("list", "watch"):
            assert any(each.rpartition("/")[2] == resource for each in allowed(rules("ClusterRole"), verb)), (
                resource
            )


def test_the_only_writes_are_the_patch_the_event_and_probe_pods() -> None:
    """Least privilege: nobody is asked for more."""
    writing = {"create", "update", "patch", "delete", "deletecollection", "*"}
    cluster = {(verb, what) for verb in writing for what in allowed(rules("ClusterRole"), verb)}
    own = {(verb, what) for verb in writing for what in allowed(rules("Role"), verb)}
    assert cluster == {("patch", "services"), ("create", "events")}
    assert own == {("create", "pods"), ("delete", "pods")}


def test_the_image_runs_what_a_probe_pod_asks_of_it() -> None:
    """A probe Pod gives `probe` as its argument, so the image's entry point is the program."""
    lines = (ROOT / "Dockerfile").read_text(encoding="utf-8").splitlines()
    assert 'ENTRYPOINT ["elb-passthrough"]' in lines
    assert "USER 65532:65532" in lines
