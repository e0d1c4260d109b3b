from dataclasses import replace
from datetime import timedelta

import pytest

from bot.domain.change import Place, ServiceRef
from bot.ports import AlreadyOpen, Job, NotFound, Stale, Store
from tests.adapters.store.examples import AT, a_run


class TestRuns:
    """What every store promises of its verification runs."""

    async def test_a_run_comes_back_as_it_was_stored(self, store: Store) -> None:
        """With the jobs that continue it."""
        assert await store.runs.open(a_run(), jobs=[Job(key="step", kind="verify")]) == a_run()
        assert await store.runs.get("r-1") == a_run()
        assert await store.jobs.next_due() is not None

    async def test_the_same_run_twice_is_one(self, store: Store) -> None:
        """A job that is performed again opens it again."""
        await store.runs.open(a_run())
        assert (
            await store.runs.open(replace(a_run(), channel="C02"), jobs=[Job(key="k", kind="v")]) == a_run()
        )
        assert await store.jobs.next_due() is None

    async def test_a_service_has_one_run_under_way(self, store: Store) -> None:
        """Two would count each other's connections."""
        await store.runs.open(a_run())
        with pytest.raises(AlreadyOpen) as refused:
            await store.runs.open(a_run("r-2"), jobs=[Job(key="k", kind="v")])
        assert refused.value.change_id == "r-1"
        assert await store.jobs.next_due() is None
        await store.runs.open(a_run("r-3", ServiceRef(cluster="prod", namespace="shop", name="cart")))

    async def test_a_run_of_several_services_keeps_each_of_them(self, store: Store) -> None:
        """Whichever of them the next one is named after, or has among others; and frees all when it ends."""
        cart, cellar = (
            ServiceRef(cluster="prod", namespace="shop", name=name) for name in ("cart", "cellar")
        )
        several = a_run()
        several = replace(several, plan=replace(several.plan, others=(cart,)))
        await store.runs.open(several)
        with pytest.raises(AlreadyOpen) as refused:
            await store.runs.open(a_run("r-2", cart))
        assert refused.value.change_id == "r-1"
        with pytest.raises(AlreadyOpen):
            await store.runs.open(replace(several, id="r-3", service=cellar))
        other = await store.runs.open(a_run("r-4", cellar))
        await store.runs.save(several, replace(several, finished_at=AT + timedelta(minutes=5)))
        await store.runs.save(other, replace(other, finished_at=AT + timedelta(minutes=5)))
        assert (await store.runs.open(replace(several, id="r-5", service=cellar))).open

    async def test_an_ended_run_frees_its_service(self, store: Store) -> None:
        """The next one may begin."""
        run = await store.runs.open(a_run())
        ended = await store.runs.save(
            run, replace(run, version=run.version + 1, finished_at=AT + timedelta(minutes=5))
        )
        assert not ended.open
        assert (await store.runs.open(a_run("r-2"))).id == "r-2"

    async def test_a_saved_run_counts_its_version_up(self, store: Store) -> None:
        """Also where the caller did not."""
        run = await store.runs.open(a_run())
        saved = await store.runs.save(run, replace(run, looked=True), jobs=[Job(key="k", kind="v")])
        assert saved == replace(run, looked=True, version=run.version + 1)
        assert await store.runs.get("r-1") == saved
        assert await store.jobs.next_due() is not None

    async def test_the_last_run_of_a_service_is_the_one_that_ended_last(self, store: Store) -> None:
        """One that is under way is none, and neither is another Service's."""
        service = a_run().service
        assert await store.runs.last(service) is None
        for number in (1, 2):
            run = await store.runs.open(a_run(f"r-{number}"))
            await store.runs.save(run, replace(run, finished_at=AT + timedelta(minutes=number)))
        await store.runs.open(a_run("r-3"))
        last = await store.runs.last(service)
        assert last is not None
        assert last.id == "r-2"
        assert await store.runs.last(ServiceRef(cluster="prod", namespace="shop", name="cart")) is None

    async def test_saving_an_old_version_is_refused(self, store: Store) -> None:
        """Two replicas may hold one run for a moment; one of them goes on."""
        run = await store.runs.open(a_run())
        await store.runs.save(run, replace(run, version=run.version + 1, calls=1))
        with pytest.raises(Stale):
            await store.runs.save(
                run, replace(run, version=run.version + 1, calls=2), jobs=[Job(key="k", kind="v")]
            )
        assert (await store.runs.get("r-1")).calls == 1
        assert await store.jobs.next_due() is None

    async def test_an_unknown_run_is_not_found(self, store: Store) -> None:
        """Neither read nor saved."""
        with pytest.raises(NotFound):
            await store.runs.get("r-404")
        with pytest.raises(NotFound):
            await store.runs.save(a_run(), replace(a_run(), version=1))


class TestMessages:
    """What every store promises of the places of messages."""

    async def test_a_place_is_remembered(self, store: Store) -> None:
        """By its key; the last word wins."""
        assert await store.messages.place("card:c-1") is None
        await store.messages.remember("card:c-1", Place(channel="C01", ts="1700000000.000100"))
        await store.messages.remember("card:c-1", Place(channel="C02", ts="1700000000.000200"))
        assert await store.messages.place("card:c-1") == Place(channel="C02", ts="1700000000.000200")
        assert await store.messages.place("card:c-2") is None


async def by(store: Store, cluster: str) -> str:
    """Who paused a cluster first, and that it says since when."""
    pause = await store.pauses.paused(cluster)
    assert pause is not None
    assert pause.at in (AT, AT + timedelta(seconds=1))
    return pause.by


class TestPauses:
    """What every store promises of pauses."""

    async def test_a_paused_cluster_says_who_paused_it(self, store: Store) -> None:
        """Until it is resumed, and no other cluster."""
        await store.pauses.pause("prod", "U0ALICE1", AT)
        assert await by(store, "prod") == "U0ALICE1"
        assert await store.pauses.paused("staging") is None
        await store.pauses.resume("prod")
        assert await store.pauses.paused("prod") is None

    async def test_a_star_pauses_every_cluster(self, store: Store) -> None:
        """Resuming all leaves those paused that were paused by name."""
        await store.pauses.pause("prod", "U0ALICE1", AT + timedelta(seconds=1))
        await store.pauses.pause("*", "U0BOB002", AT)
        assert await by(store, "staging") == "U0BOB002"
        assert await by(store, "prod") == "U0BOB002"
        await store.pauses.resume("*")
        assert await store.pauses.paused("staging") is None
        assert await by(store, "prod") == "U0ALICE1"

    async def test_pausing_twice_names_the_first(self, store: Store) -> None:
        """And resuming what is not paused does nothing."""
        await store.pauses.pause("prod", "U0ALICE1", AT)
        await store.pauses.pause("prod", "U0BOB002", AT + timedelta(seconds=1))
        assert await by(store, "prod") == "U0ALICE1"
        await store.pauses.resume("staging")


async def test_a_store_that_is_up_answers(store: Store) -> None:
    """What /readyz asks."""
    await store.ping()
