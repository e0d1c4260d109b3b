from typing import Any

import pytest

from tests.fakes.world import CHECKOUT, Town, service, shop


def marked(annotations: dict[str, str], labels: dict[str, str] | None = None) -> Town:
    """A town whose checkout carries these marks."""
    raw: dict[str, Any] = service()
    raw["metadata"]["labels"] = labels or {}
    raw["metadata"]["annotations"] |= annotations
    cluster = shop()
    cluster.put(raw)
    return Town(clusters=[cluster])


@pytest.mark.parametrize(
    ("labels", "annotations", "said"),
    [
        ({}, {"argocd.argoproj.io/tracking-id": "web:/Service:shop/checkout"}, "application web"),
        ({"kustomize.toolkit.fluxcd.io/name": "apps"}, {}, "Kustomization apps"),
        ({"helm.toolkit.fluxcd.io/name": "shop"}, {"meta.helm.sh/release-name": "shop"}, "HelmRelease shop"),
        ({}, {"meta.helm.sh/release-name": "shop"}, "Helm installed it (release shop)"),
    ],
)
async def test_the_card_says_who_owns_the_service(
    labels: dict[str, str], annotations: dict[str, str], said: str
) -> None:
    """Before anybody approves, so that nobody is surprised when a sync undoes it."""
    town = marked(annotations, labels)
    change = await town.propose()
    assert said in town.card(change).text


@pytest.mark.parametrize(
    ("manager", "fate"),
    [("argocd-controller", "reverted at its next sync"), ("kubectl-edit", "kept, but undeclared")],
)
async def test_a_declared_key_is_reverted_and_an_undeclared_one_is_kept(manager: str, fate: str) -> None:
    """Whether the owner wrote the annotation makes the difference."""
    town = marked({"argocd.argoproj.io/tracking-id": "web:/Service:shop/checkout"})
    town.cluster.annotate(CHECKOUT, "true", by=manager)
    change = await town.propose("disable")
    assert f"the patch will be {fate}" in town.card(change).text


@pytest.mark.parametrize(
    ("labels", "annotations"),
    [
        ({"app.kubernetes.io/instance": "web"}, {}),
        ({}, {"argocd.argoproj.io/tracking-id": "web:/Service:shop/another"}),
    ],
)
async def test_what_proves_nothing_names_nobody(labels: dict[str, str], annotations: dict[str, str]) -> None:
    """A label that charts set too, and a tracking id that was copied from another object."""
    town = marked(annotations, labels)
    change = await town.propose()
    assert change.git_note == ""


async def test_who_wrote_the_annotation_is_named() -> None:
    """Another field manager of the touched key is on the card."""
    town = Town()
    town.cluster.annotate(CHECKOUT, "true", by="cce-controller")
    change = await town.propose("disable")
    assert "cce-controller wrote the annotation." in town.card(change).text
