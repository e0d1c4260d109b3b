"""What becomes of a patch: one row for each thing that the tools' own pages or code say, named beside it."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.objects import PASS_THROUGH
from bot.domain.owner import (
    SEVERITY,
    Application,
    Disregard,
    Evidence,
    Fate,
    HelmRelease,
    Kustomization,
    Mark,
    Outlook,
    Owner,
    Source,
    Tool,
    Touch,
    Writer,
    worst,
)
from bot.domain.owner_disregard import told_to_argo, told_to_flux
from bot.domain.owner_fate import fate
from bot.domain.owner_marks import marks
from bot.domain.patch import FIELD_MANAGER

ENABLE = Touch(key=PASS_THROUGH, after="true")
DISABLE = Touch(key=PASS_THROUGH, after=None)
POINTER = "/metadata/annotations/kubernetes.io~1elb.pass-through"
ARGO = Mark(tool=Tool.APPLICATION, name="web")
FLUX = Mark(tool=Tool.KUSTOMIZATION, name="apps", namespace="flux-system")
RELEASE = Mark(tool=Tool.HELM_RELEASE, name="web", namespace="shop")
HELM = Mark(tool=Tool.HELM, name="web", namespace="shop")
TERRAFORM = Mark(tool=Tool.TERRAFORM)
HEALS = Application(namespace="argocd", name="web", automated=True, self_heal=True)
EVERY_TEN = Kustomization(namespace="flux-system", name="apps", interval=600.0)
CORRECTS = HelmRelease(namespace="shop", name="web", interval=1800.0, drift="enabled")


def checkout(
    value: str | None = None,
    *writers: Writer,
    applied: Mapping[str, str] | None = None,
    also: Mapping[str, str] | None = None,
) -> Evidence:
    """A Service with a pass-through value."""
    own = {} if value is None else {PASS_THROUGH: value}
    return Evidence(
        namespace="shop",
        name="checkout",
        annotations={**own, **(also or {})},
        writers=writers,
        last_applied=applied,
    )


def by(manager: str, *keys: str, operation: str = "Update") -> Writer:
    """A field manager."""
    return Writer(manager=manager, operation=operation, keys=keys)


GIT_FALSE = checkout("false", applied={PASS_THROUGH: "false"})
GIT_TRUE = checkout("true", applied={PASS_THROUGH: "true"})
GIT_SILENT = checkout(None, applied={"my.org/team": "shop"})
KUSTOMIZED = by("kustomize-controller", "my.org/team", operation="Apply")
KUSTOMIZED_KEY = by("kustomize-controller", PASS_THROUGH, operation="Apply")
SSA = frozenset({"ServerSideApply=true"})


@dataclass(frozen=True, kw_only=True)
class Row:
    """One row; `source` is where it is documented."""

    source: str
    evidence: Evidence
    touch: Touch = ENABLE
    mark: Mark = ARGO
    owner: Owner | None = HEALS
    outlook: Outlook
    after: float | None = None
    says: str = ""
    missing: str = ""


ARGO_ROWS = [
    Row(
        source="Argo CD, Automated Sync Policy: self-heal timeout 5 seconds by default",
        evidence=GIT_FALSE,
        outlook=Outlook.REVERTED,
        after=5.0,
        says="reverted in about 5 s",
    ),
    Row(
        source="the same: a key that Git declares is added again",
        evidence=GIT_TRUE,
        touch=DISABLE,
        outlook=Outlook.REVERTED,
        after=5.0,
    ),
    Row(
        source="argoproj/argo-cd#15116, #7951: an undeclared annotation is no difference",
        evidence=GIT_SILENT,
        outlook=Outlook.SURVIVES,
        says="survive, undeclared",
    ),
    Row(
        source="the same: removing what Git does not declare",
        evidence=replace(GIT_SILENT, annotations={PASS_THROUGH: "true"}),
        touch=DISABLE,
        outlook=Outlook.AGREES,
        says="declared not to set",
    ),
    Row(
        source="the same: Git was changed first",
        evidence=checkout(None, applied={PASS_THROUGH: "true"}),
        outlook=Outlook.AGREES,
        says="this very value",
    ),
    Row(
        source="Argo CD, Automated Sync Policy: changes to the live cluster do not trigger a sync by default",
        evidence=GIT_FALSE,
        owner=replace(HEALS, self_heal=False),
        outlook=Outlook.REVERTED,
        says="when Git changes next",
    ),
    Row(
        source="the same: no automated policy",
        evidence=GIT_FALSE,
        owner=replace(HEALS, automated=False, self_heal=False),
        outlook=Outlook.REVERTED,
        says="when somebody syncs it",
    ),
    Row(
        source="Argo CD, Skip Application Reconcile",
        evidence=GIT_FALSE,
        owner=replace(HEALS, paused=True),
        outlook=Outlook.REVERTED,
        says="once somebody resumes it",
    ),
    Row(
        source="Argo CD, Sync Options: Replace=true uses kubectl replace",
        evidence=checkout(None, by("argocd-controller", "my.org/team")),
        owner=replace(HEALS, options=frozenset({"Replace=true"})),
        outlook=Outlook.REVERTED,
        says="next sync that applies this Service",
    ),
    Row(
        source="the same, on the resource",
        evidence=checkout(
            None,
            by("argocd-controller", "my.org/team"),
            also={"argocd.argoproj.io/sync-options": "Force=true, Replace=true"},
        ),
        outlook=Outlook.REVERTED,
        says="next sync that applies this Service",
    ),
    Row(
        source="Argo CD, Sync Options: a resource's own option wins",
        evidence=checkout(
            None,
            applied={"my.org/team": "shop"},
            also={"argocd.argoproj.io/sync-options": "Replace=false"},
        ),
        owner=replace(HEALS, options=frozenset({"Replace=true"})),
        outlook=Outlook.SURVIVES,
    ),
    Row(
        source="Argo CD, Sync Options: Replace takes precedence; what it drops is gone, so a removal stays",
        evidence=checkout("true", by("argocd-controller", "my.org/team"), by(FIELD_MANAGER, PASS_THROUGH)),
        touch=DISABLE,
        owner=replace(HEALS, options=frozenset({"Replace=true"})),
        outlook=Outlook.AGREES,
    ),
    Row(
        source="Argo CD, Diffing Customization: jsonPointers; Sync Options: the desired state is applied as is",
        evidence=GIT_FALSE,
        owner=replace(HEALS, disregards=(Disregard(group="", kind="Service", pointers=(POINTER,)),)),
        outlook=Outlook.REVERTED,
        says="a sync applies it all the same",
    ),
    Row(
        source="Argo CD, Sync Options: RespectIgnoreDifferences=true",
        evidence=GIT_FALSE,
        owner=replace(
            HEALS,
            options=frozenset({"RespectIgnoreDifferences=true"}),
            disregards=(Disregard(group="", kind="Service", pointers=(POINTER,)),),
        ),
        outlook=Outlook.SURVIVES,
        says="ignoreDifferences",
    ),
    Row(
        source="the same, switched off on the resource",
        evidence=checkout(
            "false",
            applied={PASS_THROUGH: "false"},
            also={"argocd.argoproj.io/sync-options": "RespectIgnoreDifferences=false"},
        ),
        owner=replace(
            HEALS,
            options=frozenset({"RespectIgnoreDifferences=true"}),
            disregards=(Disregard(group="", kind="Service", pointers=(POINTER,)),),
        ),
        outlook=Outlook.REVERTED,
        says="when Git changes next",
    ),
    Row(
        source="Argo CD, Diffing Customization: a jq expression that selects is not understood here",
        evidence=GIT_FALSE,
        owner=replace(
            HEALS,
            disregards=(
                Disregard(group="", kind="Service", expressions=(".metadata.annotations | to_entries[]",)),
            ),
        ),
        outlook=Outlook.UNKNOWN,
        says="ignoreDifferences is not understood",
    ),
    Row(
        source="Kubernetes, Server-Side Apply: the applier owns what it declares",
        evidence=checkout("false", by("argocd-controller", PASS_THROUGH, operation="Apply")),
        owner=replace(HEALS, options=SSA),
        outlook=Outlook.REVERTED,
        after=5.0,
    ),
    Row(
        source="the same: it leaves alone what it does not own",
        evidence=checkout(None, by("argocd-controller", "my.org/team", operation="Apply")),
        owner=replace(HEALS, options=SSA),
        outlook=Outlook.SURVIVES,
    ),
    Row(
        source="the same: a key changed by hand is no longer the applier's; Argo CD does not heal it",
        evidence=checkout(
            "false",
            by("argocd-controller", "my.org/team", operation="Apply"),
            by("kubectl-edit", PASS_THROUGH),
        ),
        owner=replace(HEALS, self_heal=False, options=SSA),
        outlook=Outlook.UNKNOWN,
        says="cannot be seen",
    ),
    Row(
        source="the same: a key removed by hand is nobody's, and the Application says OutOfSync",
        evidence=checkout(None, by("argocd-controller", "my.org/team", operation="Apply")),
        owner=replace(HEALS, self_heal=False, options=SSA, services={"shop/checkout": "OutOfSync"}),
        outlook=Outlook.UNKNOWN,
    ),
    Row(
        source="the same: the Application says that there is no difference",
        evidence=checkout(None, by("argocd-controller", "my.org/team", operation="Apply")),
        owner=replace(HEALS, self_heal=False, options=SSA, services={"shop/checkout": "Synced"}),
        outlook=Outlook.SURVIVES,
    ),
    Row(
        source="no trace of what was declared: neither last-applied nor managedFields",
        evidence=checkout("false"),
        outlook=Outlook.UNKNOWN,
        says="cannot be seen",
    ),
    Row(
        source="the Application lives where the bot cannot look",
        evidence=GIT_FALSE,
        owner=None,
        missing="the Application lives elsewhere",
        outlook=Outlook.UNKNOWN,
        says="unknown: the Application lives elsewhere; its source sets this annotation",
    ),
    Row(
        source="the same; a patch that does what Git says stays under any settings",
        evidence=GIT_SILENT,
        owner=None,
        touch=DISABLE,
        outlook=Outlook.AGREES,
    ),
]

FLUX_ROWS = [
    Row(
        source="Flux, Kustomization: drift is corrected every spec.interval",
        evidence=checkout("false", KUSTOMIZED_KEY),
        outlook=Outlook.REVERTED,
        after=600.0,
        says="in about 10 min",
    ),
    Row(
        source="the same: a declared key that was removed is added again",
        evidence=checkout("true", KUSTOMIZED_KEY),
        touch=DISABLE,
        outlook=Outlook.REVERTED,
        after=600.0,
    ),
    Row(
        source="kustomize-controller, apply: undoes managers that begin with kubectl, not ours",
        evidence=checkout(None, KUSTOMIZED),
        outlook=Outlook.SURVIVES,
        says="--override-manager",
    ),
    Row(
        source="the same: removing what is not declared",
        evidence=checkout("true", KUSTOMIZED, by(FIELD_MANAGER, PASS_THROUGH)),
        touch=DISABLE,
        outlook=Outlook.AGREES,
    ),
    Row(
        source="the same: what kubectl has just put over it says nothing about Git",
        evidence=checkout("false", KUSTOMIZED, by("kubectl-annotate", PASS_THROUGH)),
        outlook=Outlook.UNKNOWN,
    ),
    Row(
        source="Flux, Kustomization: suspend pauses drift correction",
        evidence=checkout("false", KUSTOMIZED_KEY),
        owner=replace(EVERY_TEN, suspended=True),
        outlook=Outlook.REVERTED,
        says="once somebody resumes it",
    ),
    Row(
        source="Flux, Kustomization: ssa: IfNotPresent is created and never patched; case does not matter",
        evidence=checkout("false", KUSTOMIZED_KEY, also={"kustomize.toolkit.fluxcd.io/ssa": "ifNotPresent"}),
        outlook=Outlook.SURVIVES,
        says="does not touch it",
    ),
    Row(
        source="the same: ssa: Ignore",
        evidence=checkout("false", KUSTOMIZED_KEY, also={"kustomize.toolkit.fluxcd.io/ssa": "Ignore"}),
        outlook=Outlook.SURVIVES,
    ),
    Row(
        source="the same: reconcile: disabled",
        evidence=checkout(
            "false", KUSTOMIZED_KEY, also={"kustomize.toolkit.fluxcd.io/reconcile": "disabled"}
        ),
        outlook=Outlook.SURVIVES,
    ),
    Row(
        source="the same: ssa: Merge keeps what others add, and still applies what it declares",
        evidence=checkout("false", KUSTOMIZED_KEY, also={"kustomize.toolkit.fluxcd.io/ssa": "Merge"}),
        outlook=Outlook.REVERTED,
        after=600.0,
    ),
    Row(
        source="Flux blog, 2026-08, Selective drift correction with ignore rules (spec.ignore)",
        evidence=checkout("false", KUSTOMIZED_KEY),
        owner=replace(EVERY_TEN, disregards=(Disregard(group="", kind="Service", pointers=(POINTER,)),)),
        outlook=Outlook.SURVIVES,
        says="leave this annotation alone",
    ),
    Row(
        source="the same, with a selector that is not evaluated here",
        evidence=checkout("false", KUSTOMIZED_KEY),
        owner=replace(EVERY_TEN, disregards=(Disregard(kind="Service", pointers=(POINTER,), narrowed=True),)),
        outlook=Outlook.UNKNOWN,
    ),
    Row(
        source="no managedFields entry of Flux: nothing is known of Git",
        evidence=checkout("false"),
        outlook=Outlook.UNKNOWN,
    ),
]

HELM_ROWS = [
    Row(
        source="Flux, HelmRelease: driftDetection.mode enabled corrects at every interval",
        evidence=checkout("false", by("helm-controller", PASS_THROUGH)),
        outlook=Outlook.REVERTED,
        after=1800.0,
        says="30 min",
    ),
    Row(
        source="the same: it compares what the chart declares",
        evidence=checkout(None, by("helm-controller", "my.org/team")),
        outlook=Outlook.SURVIVES,
    ),
    Row(
        source="the same: mode warn tells, and corrects nothing",
        evidence=checkout("false", by("helm-controller", PASS_THROUGH)),
        owner=replace(CORRECTS, drift="warn"),
        outlook=Outlook.REVERTED,
        says="when the release is next upgraded",
    ),
    Row(
        source="the same: disabled is the default",
        evidence=checkout("false", by("helm-controller", PASS_THROUGH)),
        owner=replace(CORRECTS, drift="disabled"),
        outlook=Outlook.REVERTED,
        says="next upgraded",
    ),
    Row(
        source="the same: suspended",
        evidence=checkout("false", by("helm-controller", PASS_THROUGH)),
        owner=replace(CORRECTS, suspended=True),
        outlook=Outlook.REVERTED,
        says="next upgraded",
    ),
    Row(
        source="the same: driftDetection.ignore spares it until an upgrade",
        evidence=checkout("false", by("helm-controller", PASS_THROUGH)),
        owner=replace(CORRECTS, disregards=(Disregard(kind="Service", pointers=(POINTER,)),)),
        outlook=Outlook.REVERTED,
        says="told to ignore it",
    ),
    Row(
        source="Helm: three-way merge, a key that no chart sets is kept through upgrades",
        mark=HELM,
        owner=None,
        evidence=checkout(None, by("helm", "my.org/team")),
        outlook=Outlook.SURVIVES,
        says="an upgrade leaves other keys alone",
    ),
    Row(
        source="Helm: three-way merge, live state counts since Helm 3",
        mark=HELM,
        owner=None,
        evidence=checkout("false", by("helm", PASS_THROUGH)),
        outlook=Outlook.REVERTED,
        says="by the next helm upgrade",
    ),
    Row(
        source="the same: somebody put another value over it, and the release is a Secret",
        mark=HELM,
        owner=None,
        evidence=checkout("false", by("helm", "my.org/team"), by("kubectl-edit", PASS_THROUGH)),
        outlook=Outlook.UNKNOWN,
    ),
]

TERRAFORM_ROWS = [
    Row(
        source="terraform-provider-kubernetes, isInternalKey: unnamed keys of kubernetes.io are not compared",
        evidence=checkout(None, by("HashiCorp", "my.org/team")),
        outlook=Outlook.SURVIVES,
        says="leaves keys of kubernetes.io alone",
    ),
    Row(
        source="the same, flattenMetadata: other keys are compared, unless ignore_annotations names them",
        touch=Touch(key="my.org/change", after="CHG-7"),
        evidence=checkout(None, by("HashiCorp", "my.org/team")),
        outlook=Outlook.REVERTED,
        says="unless ignore_annotations names it",
    ),
    Row(
        source="kubernetes_manifest: server-side apply leaves alone what it does not own",
        touch=Touch(key="my.org/change", after="CHG-7"),
        evidence=checkout(None, by("Terraform", "my.org/team", operation="Apply")),
        outlook=Outlook.SURVIVES,
    ),
    Row(
        source="the configuration names the key",
        evidence=checkout("false", by("HashiCorp", PASS_THROUGH)),
        outlook=Outlook.REVERTED,
        says="by the next terraform apply",
    ),
]

ROWS = [
    *ARGO_ROWS,
    *(replace(row, mark=FLUX, owner=EVERY_TEN if row.owner is HEALS else row.owner) for row in FLUX_ROWS),
    *(
        replace(row, mark=RELEASE, owner=CORRECTS if row.owner is HEALS else row.owner)
        if row.mark is ARGO
        else row
        for row in HELM_ROWS
    ),
    *(replace(row, mark=TERRAFORM, owner=None) for row in TERRAFORM_ROWS),
]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.mark.tool}-{row.source[:60]}")
def test_each_row_of_the_table_holds(row: Row) -> None:
    """The outlook, the time, and the words that tell why."""
    found = fate(row.evidence, row.touch, row.mark, row.owner, row.missing)
    assert (found.outlook, found.after) == (row.outlook, row.after), found.sentence
    assert row.says in found.sentence


values = st.sampled_from([None, "true", "false", "onlyLocal"])
managers = st.sampled_from(
    [
        "argocd-controller",
        "kustomize-controller",
        "helm-controller",
        "helm",
        "HashiCorp",
        "kubectl-edit",
        FIELD_MANAGER,
    ]
)
writers = st.builds(
    by,
    managers,
    st.sampled_from([PASS_THROUGH, "my.org/team"]),
    operation=st.sampled_from(["Apply", "Update"]),
)
disregards = st.lists(
    st.builds(
        Disregard,
        kind=st.sampled_from(["Service", "*", "Deployment"]),
        pointers=st.sampled_from([(), (POINTER,)]),
        expressions=st.sampled_from([(), (".spec.x",), (".metadata|keys",)]),
        managers=st.sampled_from([(), (FIELD_MANAGER,)]),
    ),
    max_size=2,
).map(tuple)
owners: st.SearchStrategy[tuple[Mark, Owner | None]] = st.one_of(
    st.tuples(
        st.just(ARGO),
        st.builds(
            Application,
            namespace=st.just("argocd"),
            name=st.just("web"),
            automated=st.booleans(),
            self_heal=st.booleans(),
            options=st.frozensets(
                st.sampled_from(["Replace=true", "ServerSideApply=true", "RespectIgnoreDifferences=true"])
            ),
            disregards=disregards,
            paused=st.booleans(),
            services=st.sampled_from([None, {"shop/checkout": "Synced"}, {"shop/checkout": "OutOfSync"}]),
        ),
    ),
    st.tuples(
        st.just(FLUX),
        st.builds(
            Kustomization,
            namespace=st.just("flux-system"),
            name=st.just("apps"),
            interval=st.sampled_from([None, 60.0]),
            suspended=st.booleans(),
            disregards=disregards,
        ),
    ),
    st.tuples(
        st.just(RELEASE),
        st.builds(
            HelmRelease,
            namespace=st.just("shop"),
            name=st.just("web"),
            interval=st.sampled_from([None, 60.0]),
            suspended=st.booleans(),
            drift=st.sampled_from(["enabled", "warn", "disabled"]),
            disregards=disregards,
        ),
    ),
    st.tuples(st.sampled_from([ARGO, FLUX, RELEASE, HELM, TERRAFORM]), st.none()),
)
services = st.builds(
    checkout,
    values,
    applied=st.sampled_from([None, {}, {PASS_THROUGH: "true"}, {PASS_THROUGH: "false"}]),
).flatmap(lambda made: st.lists(writers, max_size=3).map(lambda found: replace(made, writers=tuple(found))))
touches = st.builds(Touch, key=st.just(PASS_THROUGH), after=st.sampled_from(["true", None]))


@given(services, touches, owners)
def test_every_case_has_one_answer_that_says_who_and_what(
    evidence: Evidence, touch: Touch, owner: tuple[Mark, Owner | None]
) -> None:
    """Nothing raises, nothing is free where a tool left its mark, and a time stands only beside a revert."""
    found = fate(evidence, touch, *owner)
    assert found.outlook is not Outlook.FREE
    assert str(owner[0].tool) in found.sentence
    assert found.after is None or found.outlook is Outlook.REVERTED
    assert found.after is None or (found.settles or 0) >= found.after


@given(services, touches, owners)
def test_losing_sight_never_makes_a_revert_look_harmless(
    evidence: Evidence, touch: Touch, owner: tuple[Mark, Owner | None]
) -> None:
    """Without the object or the managed fields a patch is called unknown, never newly safe."""
    mark, seen = owner
    full = fate(evidence, touch, mark, seen)
    blind = fate(replace(evidence, writers=(), last_applied=None), touch, mark, seen)
    if full.outlook is Outlook.REVERTED:
        assert blind.outlook in (Outlook.UNKNOWN, Outlook.REVERTED)
    if seen is not None:
        assert fate(evidence, touch, mark, None).outlook in (Outlook.UNKNOWN, Outlook.AGREES)


@given(
    st.lists(
        st.builds(Fate, outlook=st.sampled_from(Outlook), after=st.sampled_from([None, 5.0, 60.0])),
        max_size=4,
    )
)
def test_the_worst_of_several_counts(fates: list[Fate]) -> None:
    """However many tools have a say."""
    joined = worst(tuple(fates))
    assert all(SEVERITY.index(joined.outlook) >= SEVERITY.index(each.outlook) for each in fates)
    times = [each.after for each in fates if each.outlook is joined.outlook and each.after is not None]
    assert joined.after == (min(times) if times else None)


def test_several_sources_are_told_once() -> None:
    """Two Services of one Application have one place in Git."""
    source = Source(repository="https://git.example/shop", path="deploy", revision="main")
    one = Fate(outlook=Outlook.SURVIVES, sentence="It stays.", sources=(source,))
    joined = worst((one, one))
    assert (joined.sources, joined.sentence) == ((source,), "It stays.")
    assert str(source) == "https://git.example/shop · deploy · revision main"


MARKED: list[tuple[dict[str, Any], tuple[Mark, ...]]] = [
    ({"annotations": {"argocd.argoproj.io/tracking-id": "web:/Service:shop/checkout"}}, (ARGO,)),
    (
        {"annotations": {"argocd.argoproj.io/tracking-id": "team_web:/Service:shop/checkout"}},
        (Mark(tool=Tool.APPLICATION, name="web", namespace="team"),),
    ),
    ({"annotations": {"argocd.argoproj.io/tracking-id": "web:/Service:shop/another"}}, ()),
    ({"annotations": {"argocd.argoproj.io/tracking-id": "web:apps/Deployment:shop/checkout"}}, ()),
    ({"labels": {"argocd.argoproj.io/instance": "web"}}, (ARGO,)),
    (
        {"labels": {"app.kubernetes.io/instance": "web"}},
        (Mark(tool=Tool.APPLICATION, name="web", hint=True),),
    ),
    (
        {"labels": {"app.kubernetes.io/instance": "web"}, "writers": (by("argocd-application-controller"),)},
        (ARGO,),
    ),
    (
        {
            "labels": {"app.kubernetes.io/instance": "web", "app.kubernetes.io/managed-by": "Helm"},
            "annotations": {"meta.helm.sh/release-name": "web", "meta.helm.sh/release-namespace": "shop"},
        },
        (HELM,),
    ),
    ({"labels": {"app.kubernetes.io/managed-by": "Helm"}}, ()),
    (
        {
            "labels": {
                "kustomize.toolkit.fluxcd.io/name": "apps",
                "kustomize.toolkit.fluxcd.io/namespace": "flux-system",
            }
        },
        (FLUX,),
    ),
    (
        {
            "labels": {"helm.toolkit.fluxcd.io/name": "web", "helm.toolkit.fluxcd.io/namespace": "shop"},
            "annotations": {"meta.helm.sh/release-name": "web"},
        },
        (RELEASE,),
    ),
    ({"writers": (by("kustomize-controller"),)}, (Mark(tool=Tool.KUSTOMIZATION),)),
    ({"writers": (by("HashiCorp"),)}, (TERRAFORM,)),
    ({"writers": (by("terraform-provider-helm_v2.12.1"),)}, ()),
    ({"writers": (by("kubectl-edit"),)}, ()),
]


@pytest.mark.parametrize(("carried", "expected"), MARKED)
def test_a_mark_names_its_tool_and_a_copied_one_names_nobody(
    carried: dict[str, Any], expected: tuple[Mark, ...]
) -> None:
    """Tracking ids about other objects and labels that charts set prove nothing."""
    assert marks(Evidence(namespace="shop", name="checkout", **carried)) == expected


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        (Disregard(group="", kind="Service", pointers=(POINTER,)), True),
        (Disregard(group="*", kind="*", pointers=("/metadata/annotations",)), True),
        (Disregard(group="", kind="Service", name="checkout", namespace="shop", pointers=(POINTER,)), True),
        (Disregard(group="", kind="Service", name="other", pointers=(POINTER,)), False),
        (Disregard(group="apps", kind="Service", pointers=(POINTER,)), False),
        (Disregard(group="", kind="Deployment", pointers=(POINTER,)), False),
        (Disregard(group="", kind="Service", pointers=("/spec/ports",)), False),
        (Disregard(group="", kind="Service", managers=(FIELD_MANAGER,)), True),
        (Disregard(group="", kind="Service", managers=("kubectl",)), False),
        (
            Disregard(
                group="", kind="Service", expressions=('.metadata.annotations["' + PASS_THROUGH + '"]',)
            ),
            True,
        ),
        (
            Disregard(
                group="", kind="Service", expressions=('.metadata.annotations."' + PASS_THROUGH + '"',)
            ),
            True,
        ),
        (Disregard(group="", kind="Service", expressions=(".spec.ports[].nodePort",)), False),
        (Disregard(group="", kind="Service", expressions=(".metadata.labels.app",)), False),
        (Disregard(group="", kind="Service", expressions=(".spec, .metadata",)), None),
        (Disregard(group="", kind="Service", expressions=(".metadata | .annotations",)), None),
        (Disregard(group="", kind="Service", expressions=("..",)), None),
    ],
)
def test_argo_is_told_to_leave_it_alone_or_not_or_nobody_knows(rule: Disregard, expected: object) -> None:
    """A rule that is not understood is not passed over."""
    assert told_to_argo((rule,), GIT_FALSE, ENABLE) is expected


def test_a_removal_is_no_field_of_ours_that_argo_could_ignore() -> None:
    """With managedFieldsManagers Argo CD spares fields that a manager owns; nobody owns a key that is gone."""
    rule = Disregard(group="", kind="Service", managers=(FIELD_MANAGER,))
    assert told_to_argo((rule,), GIT_TRUE, DISABLE) is False


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        (Disregard(group="", kind="", pointers=(POINTER,)), True),
        (Disregard(kind="Serv.*", name="check.*", pointers=(POINTER,)), True),
        (Disregard(kind="Service", name="^checkout$", pointers=(POINTER,)), True),
        (Disregard(kind="Service", name="check", pointers=(POINTER,)), False),
        (Disregard(kind="Service", namespace="other", pointers=(POINTER,)), False),
        (Disregard(kind="Service", name="(a+)+b", pointers=(POINTER,)), None),
        (Disregard(kind="Service", name="c(.*)*(.*)*(.*)*x", pointers=(POINTER,)), None),
        (Disregard(kind="Service", name="([", pointers=(POINTER,)), None),
        (Disregard(kind="Service", name="a*" * 60, pointers=(POINTER,)), None),
    ],
)
def test_flux_selects_by_anchored_patterns_and_a_costly_one_is_not_tried(
    rule: Disregard, expected: object
) -> None:
    """Patterns come from the cluster; none of them may hold the bot up."""
    assert told_to_flux((rule,), GIT_FALSE, ENABLE) is expected
