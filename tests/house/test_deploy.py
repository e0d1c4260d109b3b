"""What is shipped for a real cluster fits what the bot does there."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from bot.adapters.cluster.kind import WATCHED
from bot.adapters.cluster.owners import READABLE
from bot.config import load
from bot.config.environment import VARIABLES

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


def test_what_gitops_tools_will_do_may_be_asked() -> None:
    """Every object that decides what becomes of a patch may be read by name, wherever it lives."""
    for group, plural in READABLE:
        for verb in ("get", "list"):
            assert f"{group}/{plural}" in allowed(rules("ClusterRole"), verb)


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


def shipped(kind: str) -> dict[str, Any]:
    """The object of that kind in the manifest of the bot itself."""
    documents = yaml.safe_load_all((ROOT / "deploy/bot.yaml").read_text(encoding="utf-8"))
    found: dict[str, Any] = next(d for d in documents if d["kind"] == kind)
    return found


def configurations() -> list[str]:
    """Every whole configuration file that somebody is told to begin with."""
    found = [shipped("ConfigMap")["data"]["elb-passthrough.yaml"]]
    for page in ("README.md", "docs/install.md"):
        blocks = re.findall(
            r"^ *```yaml\n(.*?)^ *```", (ROOT / page).read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL
        )
        found += [block for block in blocks if "clusters:" in block]
    return found


def test_three_configurations_are_shown() -> None:
    """So that the next test has something to hold."""
    assert len(configurations()) == 3


@pytest.mark.parametrize("number", range(3))
def test_a_configuration_to_begin_with_is_one(tmp_path: Path, number: int) -> None:
    """It loads as it stands, with the secrets of the manifest."""
    (tmp_path / "elb-passthrough.yaml").write_text(configurations()[number], encoding="utf-8")
    kubeconfig = {
        "current-context": "prod",
        "contexts": [{"name": "prod", "context": {"cluster": "c", "user": "u"}}],
        "clusters": [{"name": "c", "cluster": {"server": "https://192.0.2.1"}}],
        "users": [{"name": "u", "user": {}}],
    }
    (tmp_path / "kubeconfig").write_text(yaml.safe_dump(kubeconfig), encoding="utf-8")
    environ = shipped("Secret")["stringData"] | {
        "KUBECONFIG": "kubeconfig",
        "KUBERNETES_SERVICE_HOST": "192.0.2.1",
    }
    settings = load(environ, tmp_path)
    assert settings.clusters["prod"].cloud is not None
    assert settings.policies[0].approve == ("S0SRE",)


def test_the_pod_of_the_bot_gets_what_the_bot_reads() -> None:
    """Known variables, the account that the roles are bound to, and no more rights than a restricted namespace gives."""
    known = {each.name for each in VARIABLES}
    pod = shipped("Deployment")["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    assert set(shipped("Secret")["stringData"]) | {each["name"] for each in container["env"]} <= known
    assert pod["serviceAccountName"] == "elb-passthrough"
    assert pod["securityContext"] == {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}}
    assert container["securityContext"]["allowPrivilegeEscalation"] is False
    assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
