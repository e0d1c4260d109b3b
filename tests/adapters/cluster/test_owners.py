"""The objects by which GitOps tools look after a Service, read over the wire."""

import json
from typing import Any

import pytest

from bot.adapters.objects.ownership import last_applied, repository, seconds
from bot.demo.kubernetes import ApiServer, Rule, User
from bot.domain.objects import PASS_THROUGH
from bot.domain.owner import Application, Disregard, HelmRelease, Kustomization, Mark, Source, Tool
from bot.ports import Forbidden, Unavailable
from tests.adapters.cluster.conftest import CHECKOUT, Make, service

WEB: dict[str, Any] = {
    "metadata": {"name": "web", "namespace": "argocd"},
    "spec": {
        "destination": {"server": "https://kubernetes.default.svc", "namespace": "shop"},
        "source": {
            "repoURL": "https://bot:ghp_secret@git.example/shop.git?token=secret",
            "path": "deploy/prod",
            "targetRevision": "main",
        },
        "syncPolicy": {
            "automated": {"selfHeal": True, "prune": True},
            "syncOptions": ["ServerSideApply=true"],
        },
        "ignoreDifferences": [{"kind": "Service", "jsonPointers": ["/spec/ports"]}],
    },
    "status": {
        "resources": [
            {"kind": "Service", "namespace": "shop", "name": "checkout", "status": "Synced"},
            {"kind": "Service", "group": "serving.knative.dev", "namespace": "shop", "name": "other"},
            {"kind": "Deployment", "group": "apps", "namespace": "shop", "name": "checkout"},
        ]
    },
}
APPS: dict[str, Any] = {
    "metadata": {"name": "apps", "namespace": "flux-system"},
    "spec": {
        "interval": "10m0s",
        "path": "./deploy",
        "sourceRef": {"kind": "GitRepository", "name": "shop"},
        "kubeConfig": {"secretRef": {"name": "prod"}},
        "ignore": [{"paths": ["/spec/replicas"], "target": {"kind": "Deployment", "labelSelector": "a=b"}}],
    },
}
INVENTORY = {
    "inventory": {"entries": [{"id": "shop_checkout__Service", "v": "v1"}, {"id": "x_y_apps_Deployment"}]}
}
RELEASE: dict[str, Any] = {
    "metadata": {"name": "web", "namespace": "shop"},
    "spec": {
        "interval": "1h30m",
        "suspend": True,
        "driftDetection": {"mode": "warn"},
        "chart": {"spec": {"chart": "checkout"}},
    },
}
ARGO = Mark(tool=Tool.APPLICATION, name="web")
FLUX = Mark(tool=Tool.KUSTOMIZATION, name="apps", namespace="flux-system")
HELM_RELEASE = Mark(tool=Tool.HELM_RELEASE, name="web", namespace="shop")


@pytest.fixture(autouse=True)
def tools(api: ApiServer) -> None:
    """Argo CD and Flux have their namespaces."""
    for name in ("argocd", "flux-system"):
        api.objects.create("namespaces", {"metadata": {"name": name}}, manager="test")


async def test_an_application_is_found_by_its_name_in_whatever_namespace(api: ApiServer, make: Make) -> None:
    """A tracking id names the Application, not where Argo CD lives; credentials in the URL are dropped."""
    api.objects.create("applications", WEB, manager="argocd")
    (found,) = await make(running=False).owners(ARGO)
    assert found == Application(
        namespace="argocd",
        name="web",
        services={"shop/checkout": "Synced"},
        automated=True,
        self_heal=True,
        options=frozenset({"ServerSideApply=true"}),
        disregards=(Disregard(group="", kind="Service", pointers=("/spec/ports",)),),
        sources=(Source(repository="https://git.example/shop.git", path="deploy/prod", revision="main"),),
    )


async def test_automated_that_is_switched_off_is_off(api: ApiServer, make: Make) -> None:
    """`enabled: false` wins over what stands beside it; an empty object switches on."""
    policy = {"automated": {"enabled": False, "selfHeal": True}}
    api.objects.create(
        "applications", {**WEB, "spec": {**WEB["spec"], "syncPolicy": policy}}, manager="argocd"
    )
    other = {"metadata": {"name": "bare", "namespace": "argocd"}, "spec": {"syncPolicy": {"automated": {}}}}
    api.objects.create("applications", other, manager="argocd")
    cluster = make(running=False)
    (off,) = await cluster.owners(ARGO)
    (on,) = await cluster.owners(Mark(tool=Tool.APPLICATION, name="bare"))
    assert isinstance(off, Application)
    assert isinstance(on, Application)
    assert (off.automated, off.self_heal, on.automated, on.self_heal, on.here) == (
        False,
        False,
        True,
        False,
        False,
    )


async def test_flux_objects_are_read(api: ApiServer, make: Make) -> None:
    """Interval, where it deploys to, what it applied, and what it is told to ignore."""
    api.objects.create("kustomizations", APPS, manager="flux")
    api.objects.merge(
        "kustomizations", "flux-system", "apps", {"status": INVENTORY}, manager="flux", subresource="status"
    )
    api.objects.create("helmreleases", RELEASE, manager="flux")
    cluster = make(running=False)
    (apps,) = await cluster.owners(FLUX)
    (release,) = await cluster.owners(HELM_RELEASE)
    assert apps == Kustomization(
        namespace="flux-system",
        name="apps",
        here=False,
        services={"shop/checkout": ""},
        interval=600.0,
        disregards=(Disregard(group="", kind="Deployment", pointers=("/spec/replicas",), narrowed=True),),
        sources=(Source(repository="GitRepository flux-system/shop", path="./deploy"),),
    )
    assert release == HelmRelease(
        namespace="shop",
        name="web",
        interval=5400.0,
        suspended=True,
        drift="warn",
        sources=(Source(repository="HelmRelease shop/web", chart="checkout"),),
    )


@pytest.mark.parametrize("mark", [ARGO, FLUX, HELM_RELEASE])
async def test_what_is_not_there_is_none(make: Make, mark: Mark) -> None:
    """Neither a missing object nor a missing kind is an error."""
    assert list(await make(running=False).owners(mark)) == []


async def test_a_missing_right_is_forbidden_and_argos_own_namespace_is_tried_first(
    api: ApiServer, make: Make
) -> None:
    """A Role in argocd is enough."""
    api.objects.create("applications", WEB, manager="argocd")
    api.access.tokens["reader"] = User(name="reader")
    cluster = make(token="reader", running=False)
    with pytest.raises(Forbidden):
        await cluster.owners(ARGO)
    with pytest.raises(Forbidden):
        await cluster.owners(FLUX)
    api.access.rules.append(
        Rule(subject="reader", verbs=("get",), resources=("applications",), namespaces=("argocd",))
    )
    (found,) = await cluster.owners(ARGO)
    assert found.name == "web"


async def test_rubbish_in_an_object_is_no_crash(api: ApiServer, make: Make) -> None:
    """Custom resources hold what their schema lets through."""
    api.objects.create("applications", {**WEB, "spec": {"syncPolicy": []}}, manager="argocd")
    with pytest.raises(Unavailable, match="cannot be understood"):
        await make(running=False).owners(ARGO)


@pytest.mark.parametrize("name", ["../../../api/v1/secrets", "a b", "Web", "web?watch=1", "", "x" * 300])
async def test_a_name_that_is_none_is_never_asked_for(api: ApiServer, make: Make, name: str) -> None:
    """Names come from annotations, and would become part of a URL."""
    cluster = make(running=False)
    assert list(await cluster.owners(Mark(tool=Tool.APPLICATION, name=name))) == []
    assert list(await cluster.owners(Mark(tool=Tool.KUSTOMIZATION, name="apps", namespace=name or "/"))) == []
    assert api.requests.of("get") == []
    assert api.requests.of("list") == []


async def test_a_service_tells_who_wrote_and_what_was_applied(api: ApiServer, make: Make) -> None:
    """Managers with operation and time; last-applied with the annotations that were sent."""
    body = service(pass_through="false")
    sent = {"metadata": {"annotations": {PASS_THROUGH: "false"}}}
    body["metadata"]["annotations"]["kubectl.kubernetes.io/last-applied-configuration"] = json.dumps(sent)
    api.objects.create("services", body, manager="argocd-application-controller")
    live = await make(running=False).read(CHECKOUT)
    (writer,) = [each for each in live.writers if PASS_THROUGH in each.keys]
    assert (writer.manager, writer.operation) == ("argocd-application-controller", "Update")
    assert writer.at is not None
    assert live.last_applied == {PASS_THROUGH: "false"}


@pytest.mark.parametrize(
    "text", ["", "null", "[]", "{", '{"metadata": 3}', '{"metadata": {"annotations": []}}', "[" * 9000]
)
def test_rubbish_in_last_applied_counts_as_none(text: str) -> None:
    """It is an annotation: anybody may write anything there."""
    assert not last_applied({"kubectl.kubernetes.io/last-applied-configuration": text})


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("10m0s", 600),
        ("1h30m", 5400),
        ("500ms", 0.5),
        ("1.5h", 5400),
        ("", None),
        ("10", None),
        ("-5m", None),
        ("soon", None),
    ],
)
def test_durations_are_read_as_go_writes_them(text: str, expected: float | None) -> None:
    """What is none is unknown."""
    assert seconds(text) == expected


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://git.example/shop.git", "https://git.example/shop.git"),
        ("https://user:pass@git.example/shop.git", "https://git.example/shop.git"),
        ("https://token@git.example/shop?private_token=abc#x", "https://git.example/shop"),
        ("git@git.example:shop.git", "git.example:shop.git"),
        ("ssh://git:pw@git.example:22/shop.git", "ssh://git.example:22/shop.git"),
        ("oci://registry.example/charts/shop", "oci://registry.example/charts/shop"),
        ("https://a:b@c@git.example/x", "https://git.example/x"),
        ("https://[bad/x", ""),
        ("https://git.example/a\nb", "https://git.example/ab"),
    ],
)
def test_a_repository_is_shown_without_what_may_be_a_secret(url: str, shown: str) -> None:
    """User, password, query and fragment."""
    assert repository(url) == shown
