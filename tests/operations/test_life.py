"""Anything may happen to changes, in any order: clicks, time, other people's edits, faults, crashes.

What must hold is checked where it counts: at the moment in which a patch reaches the cluster, and in the end.
"""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Coroutine, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from bot.domain.change import Change, EventKind, Phase, ServiceRef
from bot.domain.objects import Ref, Service
from bot.domain.policy import Policy
from bot.domain.verification import Outcome
from bot.operations.card import STATES
from bot.operations.jobs import advance_job
from bot.ports import Conflict, Forbidden, LiveService, Unavailable
from tests.fakes.cluster import MemoryClusters
from tests.fakes.dying import Death, Heart, mortal
from tests.fakes.world import (
    ALICE,
    BOB,
    CAROL,
    CHECKOUT,
    IPVS,
    KEY,
    LEAD,
    LEASE,
    MALLORY,
    PLATFORM,
    SRE,
    Cluster,
    Town,
    service,
    shop,
    slices,
)

BASKET = Ref("shop", "basket")
PEOPLE = (ALICE, BOB, CAROL, LEAD, MALLORY)
DECIDING = frozenset({EventKind.APPROVED, EventKind.REJECTED, EventKind.WITHDRAWN, EventKind.EXPIRED})
POLICY = Policy(
    propose=(PLATFORM, BOB),
    approve=(SRE,),
    rollback=(CAROL,),
    break_glass=(LEAD,),
    expires_after=600,
    reminder=60,
)
FAULTS = (
    ("read", Unavailable("prod does not answer")),
    ("patch", Unavailable("prod does not answer")),
    ("patch", Conflict("it changed")),
    ("patch", Forbidden("can't modify service elb")),
)


class Watched(Cluster):
    """A cluster that looks at every patch for good in the moment in which it lands."""

    town: Town
    landings: Counter[tuple[str, ServiceRef, bool]]
    refused: str = ""
    """The Service whose next patch for good a webhook refuses."""
    cut: bool = False
    """Whether the answer to the next patch for good is lost."""
    meddled: str = ""
    """The Service that somebody edits right after its next patch."""

    async def patch(
        self,
        service: ServiceRef,
        annotations: Mapping[str, str | None],
        *,
        resource_version: str,
        dry_run: bool,
    ) -> LiveService:
        """Patch, and hold what landed to what was approved."""
        ref = Ref(service.namespace, service.name)
        before = self._version_of(ref)
        if not dry_run and service.name == self.refused:
            self.refused = ""
            raise Forbidden("can't modify service elb")
        try:
            return await super().patch(
                service, annotations, resource_version=resource_version, dry_run=dry_run
            )
        finally:
            if not dry_run and self._version_of(ref) != before:
                self._landed(service, annotations)
                if service.name == self.meddled:
                    self.meddled = ""
                    self.annotate(ref, "false", by="kubectl-edit")
                self._cut()

    def _cut(self) -> None:
        if self.cut:
            self.cut = False
            raise Unavailable("prod does not answer: the connection broke off")

    def _version_of(self, ref: Ref) -> str:
        raw = self._raw.get(ref)
        return raw["metadata"]["resourceVersion"] if raw else ""

    def _landed(self, service: ServiceRef, annotations: Mapping[str, str | None]) -> None:
        assert not self.town.store.pauses.by, "a write in a pause"
        (change,) = [
            change
            for change in self.town.changes()
            if change.phase is Phase.APPLYING and service in {step.service for step in change.steps}
        ]
        (step,) = [step for step in change.steps if step.service == service]
        back = bool(change.undoing)
        assert service in change.sent, "a patch that nobody would look for after a crash"
        assert dict(annotations) == dict(step.before if back else step.after), "not what was approved"
        self.landings[change.id, service, back] += 1
        assert self.landings[change.id, service, back] == 1, "applied more than once"
        self._approved(change)

    def _approved(self, change: Change) -> None:
        events = self.town.store.changes.log[change.id]
        (approved,) = [event for event in events if event.kind is EventKind.APPROVED]
        assert approved.detail["digest"] == change.digest, "not what was approved"
        people = {approval.by for approval in change.approvals}
        alone = any(approval.break_glass for approval in change.approvals) or (
            change.rolls_back and people & {CAROL}
        )
        assert alone or len(people - {change.requested_by}) >= change.approvals_needed, "not enough people"


class Life(RuleBasedStateMachine):
    """A town in which people, time, strangers and faults do what they like."""

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.made = 0
        cluster = shop(given=IPVS)
        cluster.put(service("shop", "basket", port=8000))
        cluster.put(slices("basket", "node-a"))
        cluster.__class__ = Watched
        assert isinstance(cluster, Watched)
        self.cluster = cluster
        self.town = Town(clusters=[cluster], policies=(POLICY,))
        cluster.town, cluster.landings = self.town, Counter()
        self.outcome = Outcome.SUCCEEDED
        self.town.runs.outcomes = defaultdict(lambda: self.outcome)
        self.town.messenger.groups[SRE] = frozenset({BOB, CAROL, LEAD})

    def run(self, story: Coroutine[Any, Any, Any]) -> None:
        """Play a part of the story; who is told nothing within it is told later."""
        with suppress(IndexError):
            self.runner.run(story)

    @initialize(approvals=st.sampled_from([1, 1, 2]), value=st.sampled_from([None, None, "true"]))
    def begin(self, approvals: int, value: str | None) -> None:
        """There is something to decide."""
        self.town.policies = (replace(POLICY, approvals=approvals),)
        self.town.world = self.town.replica()
        for ref in (CHECKOUT, BASKET) if value else ():
            self.cluster.annotate(ref, value)
        self.run(self.town.order(ALICE, "disable" if value else "enable", reason="TLS"))

    @rule(
        user=st.sampled_from([ALICE, BOB]),
        verb=st.sampled_from(["enable", "disable"]),
        name=st.sampled_from(["shop/checkout", "shop/basket"]),
    )
    def propose(self, user: str, verb: str, name: str) -> None:
        """Somebody wants something."""
        self.run(self.town.order(user, verb, name, "because"))

    @rule(
        user=st.sampled_from([BOB, CAROL]),
        refused=st.sampled_from(["", "", "checkout", "basket"]),
        meddled=st.sampled_from(["", "", "checkout", "basket"]),
        lost=st.booleans(),
    )
    def approve(self, user: str, refused: str, meddled: str, *, lost: bool) -> None:
        """Somebody approves the newest; a Service may refuse its patch, or be edited right after it."""
        if changes := self.town.changes():
            self.cluster.refused, self.cluster.meddled, self.cluster.cut = refused, meddled, lost
            self.run(self.town.click(user, "change:approve", changes[-1]))

    @rule(
        verb=st.sampled_from(["enable", "enable", "disable"]),
        outcome=st.sampled_from([*Outcome, Outcome.SUCCEEDED]),
        refused=st.sampled_from(["", "", "", "checkout", "basket"]),
        lost=st.booleans(),
        then=st.sampled_from(["", "undone", "rolled back"]),
    )
    def change(self, verb: str, outcome: Outcome, refused: str, then: str, *, lost: bool) -> None:
        """Somebody wants something, two approve it, it is verified one way or the other, and perhaps undone."""
        self.cluster.refused, self.cluster.cut, self.outcome = refused, lost, outcome
        self.run(self.town.order(ALICE, verb, "shop/checkout", "because"))
        newest = self.town.changes()[-1]
        for user in (BOB, CAROL):
            self.run(self.town.click(user, "change:approve", newest))
        self.run(self.town.pass_time(5))
        if then == "undone":
            self.edit("false", CHECKOUT)
            self.run(self.town.pass_time(61))
        elif then == "rolled back":
            self.run(self.town.click(CAROL, "change:rollback", newest))

    @rule(approved=st.booleans())
    def withdraw(self, *, approved: bool) -> None:
        """Who asked for the newest does not want it any more; in a pause after the approval too."""
        self.run(self.town.order(ALICE, "enable", "shop/checkout", "because"))
        newest = self.town.changes()[-1]
        if approved:
            self.run(self.town.order(LEAD, "pause", ""))
            self.run(self.town.click(BOB, "change:approve", newest))
            self.run(self.town.click(CAROL, "change:approve", newest))
        self.run(self.town.click(newest.requested_by, "change:withdraw", newest))
        self.run(self.town.order(LEAD, "resume", ""))

    @rule(
        user=st.sampled_from(PEOPLE),
        action=st.sampled_from(
            ["approve", "approve", "approve", "reject", "withdraw", "breakglass", "rollback"]
        ),
        which=st.integers(0, 3),
    )
    def click(self, user: str, action: str, which: int) -> None:
        """Somebody clicks a button, of an old card too."""
        if changes := self.town.changes():
            change = changes[-1 - which % len(changes)]
            self.run(self.town.click(user, f"change:{action}", change, "it burns"))

    @rule(
        user=st.sampled_from([BOB, CAROL]),
        effects=st.integers(1, 25),
        after=st.booleans(),
        action=st.sampled_from(["approve", "rollback", "reject"]),
    )
    def click_and_die(self, user: str, effects: int, *, after: bool, action: str) -> None:
        """The process that decides and applies dies at one of its effects; another one takes over."""
        town, heart = self.town, Heart(effects, after=after)
        if not town.changes():
            return
        town.world = town.replica(
            store=mortal(town.store, heart),
            messenger=mortal(town.messenger, heart),
            clusters=MemoryClusters(*[mortal(cluster, heart) for cluster in town.clusters]),
        )
        with suppress(Death):
            self.run(town.click(user, f"change:{action}", town.changes()[-1], "it burns"))
        town.world = town.replica()
        town.clock.now += timedelta(seconds=LEASE)
        self.run(town.work())

    @rule(seconds=st.sampled_from([1, 31, 31, 300, 601]))
    def wait(self, seconds: int) -> None:
        """Time passes."""
        self.run(self.town.pass_time(seconds))

    @rule(
        value=st.sampled_from([None, "true", "false", "onlyLocal"]), ref=st.sampled_from([CHECKOUT, BASKET])
    )
    def edit(self, value: str | None, ref: Ref) -> None:
        """Somebody edits a Service by hand."""
        if self.cluster.snapshot().service(ref):
            self.cluster.annotate(ref, value)

    @rule(affinity=st.sampled_from(["None", "ClientIP"]))
    def change_spec(self, affinity: str) -> None:
        """Somebody changes what the path reads."""
        if self.cluster.snapshot().service(CHECKOUT):
            self.cluster.change_spec(CHECKOUT, sessionAffinity=affinity)

    @rule()
    def delete_or_make(self) -> None:
        """The other Service on the load balancer goes, or comes."""
        if self.cluster.snapshot().service(BASKET):
            self.cluster.remove(Service, BASKET)
        else:
            self.made += 1
            raw = service("shop", "basket", port=8000)
            self.cluster.put({**raw, "metadata": {**raw["metadata"], "uid": f"basket-{self.made}"}})

    @rule(fault=st.sampled_from(FAULTS), lost=st.booleans())
    def fail(self, fault: tuple[str, Any], *, lost: bool) -> None:
        """The API server has a bad moment, before or after it does what it was asked."""
        verb, error = fault
        if lost and verb == "patch":
            self.cluster.lose_reply(verb)
        else:
            self.cluster.fail(verb, error)

    @rule(verb=st.sampled_from(["post", "edit", "members", "person", "answer"]))
    def fail_slack(self, verb: str) -> None:
        """Slack has one."""
        self.town.messenger.fail(verb, Unavailable("Slack does not answer"))

    @rule(verb=st.sampled_from(["pause", "resume"]))
    def hold(self, verb: str) -> None:
        """An operator pauses, or resumes."""
        self.run(self.town.order(LEAD, verb, ""))

    @rule(there=st.booleans())
    def leave_or_join(self, *, there: bool) -> None:
        """Carol leaves the group of the approvers, or comes back."""
        self.town.messenger.groups[SRE] = frozenset({BOB, LEAD, CAROL} if there else {BOB, LEAD})

    @invariant()
    def decided_once(self) -> None:
        """Nothing is decided twice, whoever clicks how often."""
        for change, events in self.town.store.changes.log.items():
            assert sum(event.kind in DECIDING for event in events) <= 1 + _withdrawn(events), change

    @invariant()
    def one_open(self) -> None:
        """Under IPVS there is one open change for the load balancer."""
        assert sum(change.open for change in self.town.changes()) <= 1

    def teardown(self) -> None:
        """Everything is well again: nothing is lost, nothing half done, and the cards say what the rows say."""
        town = self.town
        town.store.pauses.by.clear()
        self.run(town.store.jobs.submit(*(advance_job(change.id) for change in town.changes())))
        self.run(town.pass_time(3 * LEASE))
        self.run(town.pass_time(2000))
        for change in town.changes():
            assert not change.open, f"{change.label} is {change.phase}: {change.progress}"
            shown = town.card(change).text
            assert STATES[change.phase][1] in shown.splitlines()[0], (change.label, change.phase, shown)
        keys = Counter(posted.key for posted in town.messenger.posts)
        assert not {key: times for key, times in keys.items() if times > 1}
        self._nothing_half_done()
        self.runner.close()

    def _nothing_half_done(self) -> None:
        """What a change that came to nothing has patched was put back, by us or by somebody else's edit."""
        for change in self.town.changes():
            if change.applied_at is None and "could not be put back" not in change.note:
                for step in change.steps:
                    went = self.cluster.landings[change.id, step.service, False]
                    back = self.cluster.landings[change.id, step.service, True]
                    live = self.cluster._raw.get(Ref(step.service.namespace, step.service.name))
                    ours = live is not None and _owner(live) == "elb-passthrough-bot"
                    assert went == back or not ours or _later(self, change, step.service), change.label


def _withdrawn(events: list[Any]) -> int:
    """An approved change may still be withdrawn: the one second decision there is."""
    kinds = [event.kind for event in events]
    return int(EventKind.APPROVED in kinds and EventKind.WITHDRAWN in kinds)


def _owner(raw: Mapping[str, Any]) -> str:
    for entry in raw["metadata"].get("managedFields") or []:
        if f"f:{KEY}" in entry["fieldsV1"]["f:metadata"]["f:annotations"]:
            return str(entry["manager"])
    return ""


def _later(life: Life, change: Change, ref: ServiceRef) -> bool:
    """Whether a later change patched the Service, so that what is there is that one's."""
    return any(
        life.cluster.landings[later.id, ref, False]
        for later in life.town.changes()
        if later.number > change.number
    )


TestLife = Life.TestCase
TestLife.settings = settings(
    max_examples=40,
    stateful_step_count=15,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
