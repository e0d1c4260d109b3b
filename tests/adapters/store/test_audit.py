import asyncio
import logging
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from json import dumps
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, Executable, Text, delete, insert, select, text, type_coerce, update

from bot.adapters.store import UPKEEP, SqlStore, migrate, noted_head, open_store
from bot.adapters.store.codec import dump
from bot.adapters.store.link import START
from bot.adapters.store.retention import remove_older
from bot.adapters.store.tables import chain, changes, events, jobs, people
from bot.domain.change import Change, Event, EventKind, ServiceRef
from bot.ports import Job, Later, NotFound, Unavailable
from tests.adapters.store.databases import empty_database
from tests.adapters.store.examples import AT, a_change, an_event


async def story(store: SqlStore, change_id: str = "c-1", *, service: str = "checkout") -> Change:
    """A proposal that is rejected: two events."""
    ref = ServiceRef(cluster="prod", namespace="shop", name=service)
    opened = await store.changes.open(a_change(change_id, ref), an_event(), jobs=[])
    detail = {"reason": "<@U0ALICE1> asked too early", "asked": "U0ALICE1", "digest": "1f2e 3d4c"}
    event = Event(kind=EventKind.REJECTED, at=AT + timedelta(minutes=1), by="U0BOB002", detail=detail)
    after = opened.after(event, decided_by="U0BOB002", note="<@U0BOB002> said no")
    await store.changes.move(opened, after, event)
    return after


async def exported(store: SqlStore) -> list[dict[str, Any]]:
    """Seal, and return the export's lines."""
    await store.audit.seal()
    return [line.wire() async for line in store.audit.lines()]


@pytest.fixture
async def opened(url: str) -> Any:
    """A store on each database."""
    store = open_store(url)
    yield store
    await store.close()


async def test_the_log_is_a_chain_that_anybody_can_compute(opened: SqlStore) -> None:
    """SHA-256 over the line without hash, label and people, each holding the hash before it."""
    await story(opened)
    await story(opened, "c-2", service="cart")
    lines = await exported(opened)
    assert [line["position"] for line in lines] == [1, 2, 3, 4]
    assert [line["label"] for line in lines] == ["CHG-1", "CHG-1", "CHG-2", "CHG-2"]
    prev = START
    for line in lines:
        assert line["prev"] == prev
        prev = computed(line)
        assert line["hash"] == prev


def computed(line: dict[str, Any]) -> str:
    """What docs/audit.md says that a line's hash is."""
    record = {name: line[name] for name in line if name not in {"hash", "label", "people"}}
    return sha256(dumps(record, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


async def test_people_are_pseudonyms_in_the_log(opened: SqlStore) -> None:
    """Wherever their ids stand; beside it stands who they are, and events read as they were written."""
    await story(opened)
    proposed, rejected = await exported(opened)
    names = rejected["people"]
    assert sorted(names.values()) == ["U0ALICE1", "U0BOB002"]
    assert names[rejected["by"]] == "U0BOB002"
    assert names[proposed["by"]] == "U0ALICE1"
    assert rejected["detail"]["asked"] == proposed["by"]
    assert "U0" not in str({**rejected, "people": None})
    stored = await opened.changes.events("c-1")
    assert stored[1].by == "U0BOB002"
    assert stored[1].detail["reason"] == "<@U0ALICE1> asked too early"


async def test_the_bot_needs_no_pseudonym(opened: SqlStore) -> None:
    """It is nobody."""
    await opened.changes.open(a_change(), an_event(by="bot"), jobs=[])
    (line,) = await exported(opened)
    assert (line["by"], line["people"]) == ("bot", {})


async def test_erasing_a_person_leaves_the_chain_whole(opened: SqlStore) -> None:
    """The pseudonym stays, in the log and in what ended; who it was is gone."""
    await story(opened)
    before = await exported(opened)
    erased = await opened.audit.erase("U0BOB002")
    assert erased is not None
    alias = erased.pseudonym
    assert (alias, erased.open) == (before[1]["by"], ())
    after = await exported(opened)
    assert [line["hash"] for line in after] == [line["hash"] for line in before]
    assert (await opened.audit.check()).broken is None
    assert (await opened.changes.events("c-1"))[1].by == alias
    change = await opened.changes.get("c-1")
    assert (change.decided_by, change.note) == (alias, f"<@{alias}> said no")
    assert await opened.audit.erase("U0NOBODY") is None


async def test_a_whole_chain_is_found_whole(opened: SqlStore) -> None:
    """And what is not sealed yet is counted."""
    await story(opened)
    head = await opened.audit.seal()
    await story(opened, "c-2", service="cart")
    check = await opened.audit.check(known=head)
    assert (check.links, check.head, check.broken, check.unsealed) == (2, head, None, 2)


async def behind_our_back(store: SqlStore, *statements: Executable) -> None:
    """Do what only the database's owner can: take the triggers away first."""

    def work(connection: Connection) -> None:
        for table, verb in (("events", "update"), ("events", "delete"), ("people", "update")):
            on = f" ON {table}" if connection.dialect.name == "postgresql" else ""
            connection.execute(text(f"DROP TRIGGER {table}_no_{verb}{on}"))
        for statement in statements:
            connection.execute(statement)

    await store.database.write(work)


TAMPERINGS: dict[str, Executable] = {
    "detail": update(events).where(events.c.position == 3).values(detail='{"digest":"0000 0000"}'),
    "by": update(events).where(events.c.position == 3).values(by="person-0000000000000000"),
    "at": update(events).where(events.c.position == 3).values(at=AT + timedelta(days=1)),
    "change": update(events).where(events.c.position == 3).values(change="c-1"),
    "kind": update(events).where(events.c.position == 3).values(kind="approved"),
    "hash": update(events).where(events.c.position == 3).values(hash="f" * 64),
    "unreadable": update(events).where(events.c.position == 3).values(detail="no JSON"),
    "no detail": update(events).where(events.c.position == 3).values(detail="[1]"),
    "no moment": text("UPDATE events SET at = 'yesterday' WHERE position = 3"),
    "removed": delete(events).where(events.c.position == 3),
}


@pytest.mark.parametrize("what", TAMPERINGS)
async def test_tampering_is_found_where_it_was_done(opened: SqlStore, what: str) -> None:
    """An event altered or taken away behind our back."""
    await story(opened)
    await story(opened, "c-2", service="cart")
    await opened.audit.seal()
    await behind_our_back(opened, TAMPERINGS[what])
    check = await opened.audit.check()
    assert check.broken is not None
    assert (check.broken.position, check.links) == (3, 2)


@pytest.mark.parametrize("what", sorted({*TAMPERINGS} - {"removed"}))
async def test_an_export_shows_what_somebody_made_of_an_event(opened: SqlStore, what: str) -> None:
    """As it stands there, with the hash that was sealed: anybody can compute that they do not fit."""
    await story(opened)
    await story(opened, "c-2", service="cart")
    await opened.audit.seal()
    await behind_our_back(opened, TAMPERINGS[what])
    lines = await exported(opened)
    fits = [line["hash"] == computed(line) for line in lines]
    assert fits[:3] == [True, True, False]
    assert [line["position"] for line in lines] == [1, 2, 3, 4]


async def test_what_cannot_be_read_does_not_stop_the_sealing(opened: SqlStore) -> None:
    """Somebody altered an event before it had its place: it is sealed as it is, and the others after it."""
    await story(opened)
    await behind_our_back(
        opened,
        text(
            "UPDATE events SET at = 'yesterday', detail = 'no JSON' WHERE seq = (SELECT min(seq) FROM events)"
        ),
    )
    assert (await opened.audit.seal()).position == 2
    first, _ = await exported(opened)
    assert (first["at"], first["detail"]) == ("yesterday", {"unreadable": "no JSON"})
    assert (await opened.audit.check()).broken is None


async def test_events_that_changed_places_are_found(opened: SqlStore) -> None:
    """The first of the two shows it."""
    await story(opened)
    await story(opened, "c-2", service="cart")
    await opened.audit.seal()
    moves = ((2, 99), (3, 2), (99, 3))
    swap = [update(events).where(events.c.position == old).values(position=new) for old, new in moves]
    await behind_our_back(opened, *swap)
    check = await opened.audit.check()
    assert check.broken is not None
    assert (check.broken.position, check.links) == (2, 1)


async def test_a_chain_that_was_computed_anew_is_found_by_a_head_that_was_noted(opened: SqlStore) -> None:
    """Whoever owns the database can forge a whole chain; not one that leads to a hash that is known elsewhere."""
    await story(opened)
    head = await opened.audit.seal()
    forged = update(events).values(position=None, hash=None)
    altered = update(events).where(events.c.kind == "rejected").values(kind="approved")
    await behind_our_back(opened, forged, altered)
    await opened.audit.seal()
    assert (await opened.audit.check()).broken is None
    check = await opened.audit.check(known=head)
    assert check.broken is not None
    assert "does not lead to the head" in check.broken.why


async def test_a_person_put_in_the_place_of_another_is_found(opened: SqlStore) -> None:
    """The chain is whole, for it names pseudonyms; the pseudonym is made of the person."""
    await story(opened)
    await opened.audit.seal()
    blamed = update(people).where(people.c.person == "U0BOB002").values(person="U0EVE003")
    await behind_our_back(opened, blamed)
    check = await opened.audit.check()
    lines = await exported(opened)
    assert check.broken is None
    assert check.bindings.exchanged == (lines[1]["by"],)


async def test_a_person_whose_salt_was_taken_away_cannot_be_checked(opened: SqlStore) -> None:
    """And that is said: without it, anybody could stand there."""
    await story(opened)
    await behind_our_back(
        opened, update(people).where(people.c.person == "U0BOB002").values(person="U0EVE003", salt=None)
    )
    check = await opened.audit.check()
    assert (check.bindings.exchanged, check.bindings.unbound) == ((), 1)


REFUSED: dict[str, Executable] = {
    "altered": update(events).where(events.c.position == 1).values(detail="{}"),
    "altered before it is sealed": update(events).where(events.c.position.is_(None)).values(kind="approved"),
    "sealed twice": update(events).where(events.c.position == 1).values(hash="f" * 64),
    "removed": delete(events).where(events.c.position == 2),
    "removed before it is sealed": delete(events).where(events.c.position.is_(None)),
    "given to somebody else": update(people).values(person="U0EVE003"),
    "called cut": text(
        "INSERT INTO chain (id, position, hash) SELECT 1, position, hash FROM events WHERE position = 1"
    ),
}


@pytest.mark.parametrize("what", REFUSED)
async def test_the_database_itself_refuses(opened: SqlStore, what: str) -> None:
    """A slip, or a stray script; whoever owns the database is found out by the chain."""
    await opened.changes.open(a_change(), an_event(), jobs=[])
    await opened.audit.seal()
    cart = ServiceRef(cluster="prod", namespace="shop", name="cart")
    await opened.changes.open(a_change("c-2", cart), an_event(), jobs=[])
    await opened.changes.open(a_change("c-3", replace(cart, name="blog")), an_event(), jobs=[])
    await opened.database.write(
        lambda c: c.execute(update(events).where(events.c.change == "c-2").values(position=2, hash="0" * 64))
    )
    with pytest.raises(Unavailable, match="the audit log is append-only"):
        await opened.database.write(lambda connection: connection.execute(REFUSED[what]))


@pytest.mark.postgresql
async def test_the_database_refuses_to_empty_the_log(tmp_path: Path) -> None:
    """TRUNCATE passes by the triggers of rows."""
    with empty_database("postgresql", tmp_path) as url:
        migrate(url)
        store = open_store(url)
        with pytest.raises(Unavailable, match="append-only"):
            await store.database.write(lambda connection: connection.execute(text("TRUNCATE events")))
        await store.close()


async def test_a_shortened_chain_is_found_by_a_head_that_was_noted(opened: SqlStore) -> None:
    """Nothing else can tell that the last events are gone."""
    await story(opened)
    head = await opened.audit.seal()
    await behind_our_back(opened, delete(events).where(events.c.position == 2))
    assert (await opened.audit.check()).broken is None
    check = await opened.audit.check(known=head)
    assert check.broken is not None
    assert (check.broken.position, check.broken.why) == (
        2,
        "1 event up to the head that was given are missing",
    )


async def test_a_head_is_known_by_its_hash_alone(opened: SqlStore) -> None:
    """The position is in what is hashed."""
    await story(opened)
    head = await opened.audit.seal()
    await story(opened, "c-2", service="cart")
    await opened.audit.seal()
    assert (await opened.audit.check(known=noted_head(head.hash))).broken is None
    assert (await opened.audit.check(known=noted_head("f" * 64))).broken is not None


@pytest.mark.parametrize("said", ["", "12", "12:abc", f"x:{'f' * 64}", "f" * 63, "F" * 64])
def test_what_is_no_head_is_refused(said: str) -> None:
    """In one sentence, before anything is read."""
    with pytest.raises(ValueError, match="is no head: POSITION:HASH is expected"):
        noted_head(said)


async def test_erasing_names_the_changes_that_have_not_ended(opened: SqlStore) -> None:
    """They still need the person; who erases is told to come back."""
    await opened.changes.open(a_change(), an_event(), jobs=[])
    erased = await opened.audit.erase("U0ALICE1")
    assert erased is not None
    assert erased.open == ("CHG-1",)


async def test_erasing_again_reaches_what_has_ended_since(opened: SqlStore) -> None:
    """It ended without another word of theirs, so the log has no pseudonym for them to go by."""
    change = await opened.changes.open(a_change(), an_event(), jobs=[])
    await opened.audit.erase("U0ALICE1")
    expired = Event(kind=EventKind.EXPIRED, at=AT, by="bot")
    await opened.changes.move(change, change.after(expired), expired)
    erased = await opened.audit.erase("U0ALICE1")
    assert erased is not None
    assert (erased.again, erased.open) == (True, ())
    assert (await opened.changes.get("c-1")).requested_by == erased.pseudonym
    assert await opened.audit.erase("U0ALICE1") is None


async def test_replicas_that_seal_at_once_make_one_chain(url: str) -> None:
    """While others write, each with connections of its own."""
    replicas = [open_store(url) for _ in range(3)]
    writers = [story(replicas[n % 3], f"c-{n}", service=f"s-{n}") for n in range(12)]
    sealers = [replicas[n % 3].audit.seal() for n in range(6)]
    await asyncio.gather(*writers, *sealers)
    lines = await exported(replicas[0])
    check = await replicas[1].audit.check()
    for replica in replicas:
        await replica.close()
    assert [line["position"] for line in lines] == list(range(1, 25))
    assert (check.links, check.broken, check.unsealed) == (24, None, 0)


@pytest.mark.postgresql
async def test_an_event_whose_transaction_ends_late_gets_a_later_position(tmp_path: Path) -> None:
    """Its number in the table is smaller; the chain has no gap and no place is given twice."""
    with empty_database("postgresql", tmp_path) as url:
        migrate(url)
        store = open_store(url)
        written, go = threading.Event(), threading.Event()

        def slow(connection: Connection) -> None:
            row = {
                "change": "c-0",
                "cluster": "prod",
                "kind": "proposed",
                "at": AT,
                "by": "bot",
                "detail": "{}",
            }
            connection.execute(events.insert(), row)
            written.set()
            go.wait(10)

        late = asyncio.create_task(store.database.write(slow))
        await asyncio.to_thread(written.wait, 10)
        await story(store)
        await store.audit.seal()
        go.set()
        await late
        lines = await exported(store)
        await store.close()
    assert [(line["position"], line["change"]) for line in lines] == [(1, "c-1"), (2, "c-1"), (3, "c-0")]


async def test_retention_cuts_the_oldest_and_the_chain_goes_on(opened: SqlStore) -> None:
    """What is cut is gone with its change; the rest is still checked from where it was cut."""
    await story(opened)
    young = await story(opened, "c-2", service="cart")
    await opened.audit.seal()
    soon = young.ended_at.replace(year=2999) if young.ended_at else None
    query = update(changes).where(changes.c.id == "c-2").values(ended_at=soon)
    await opened.database.write(lambda connection: connection.execute(query))
    with pytest.raises(Later):
        await opened.upkeep(retention=60).performers()["clean"](await _leased(opened))
    with pytest.raises(NotFound):
        await opened.changes.get("c-1")
    assert [change.id for change in await opened.changes.find(namespace="shop")] == ["c-2"]
    assert [(line["position"], line["kind"]) for line in await exported(opened)] == [
        (3, "proposed"),
        (4, "rejected"),
        (5, "cut"),
    ]
    await story(opened, "c-3", service="blog")
    await opened.audit.seal()
    check = await opened.audit.check(retention=60)
    assert (check.links, check.broken) == (5, None)


async def test_a_chain_that_was_cut_whole_goes_on(opened: SqlStore) -> None:
    """Its next position follows the last that was cut."""
    await story(opened)
    head = await opened.audit.seal()
    with pytest.raises(Later):
        await opened.upkeep(retention=0).performers()["clean"](await _leased(opened))
    (told,) = await exported(opened)
    assert (told["position"], told["kind"], told["by"], told["change"]) == (3, "cut", "bot", "")
    until = (AT + timedelta(minutes=1)).isoformat(timespec="microseconds")
    assert told["detail"] == {"position": "2", "hash": head.hash, "retention": "0.0", "until": until}
    assert (await opened.audit.check(known=head)).broken is None
    await story(opened, "c-2")
    assert [line["position"] for line in await exported(opened)] == [3, 4, 5]


async def test_a_cut_is_told_once(opened: SqlStore) -> None:
    """What tells of it grows old too, and is taken away with what comes after it, not alone: else there were no end."""
    await story(opened)
    await opened.audit.seal()
    for _ in range(3):
        await remove_older(opened.database, seconds=0.0)
        assert [line["position"] for line in await exported(opened)] == [3]
    await story(opened, "c-2")
    await opened.audit.seal()
    await remove_older(opened.database, seconds=0.0)
    assert [line["position"] for line in await exported(opened)] == [6]
    assert (await opened.audit.check()).broken is None


def _cut(connection: Connection, **other: object) -> None:
    """Tell of a cut, and note it: as retention does, and as somebody does who reads how."""
    row = connection.execute(select(events).where(events.c.position == 2)).one()
    at = connection.execute(select(type_coerce(events.c.at, Text)).where(events.c.position == 2)).scalar_one()
    link = {"position": 2, "hash": row.hash, "retention": "34560000.0", "until": at, **other}
    detail = {key: str(value) for key, value in link.items()}
    told = {"change": "", "cluster": "", "kind": "cut", "at": datetime.now(tz=UTC), "by": "bot"}
    connection.execute(insert(events).values(**told, detail=dump(detail)))
    connection.execute(insert(chain).values(**{"id": 1, **link}))


def _take(connection: Connection, **other: object) -> None:
    _cut(connection, **other)
    connection.execute(delete(events).where(events.c.position <= 2))


ATTACKS: dict[str, Callable[[Connection], object]] = {
    "not told of": lambda c: c.execute(
        text("INSERT INTO chain (id, position, hash) SELECT 1, position, hash FROM events WHERE position = 2")
    ),
    "not told of, as it should be": lambda c: c.execute(
        text(
            "INSERT INTO chain (id, position, hash, retention, until) "
            "SELECT 1, position, hash, '0.0', at FROM events WHERE position = 2"
        )
    ),
    "younger than retention": _take,
    "younger than is told": lambda c: _cut(c, until=AT.isoformat(timespec="microseconds")),
    "of another hash": lambda c: _cut(c, hash="f" * 64),
    "of another row": lambda c: _cut(c, id=2),
}


@pytest.mark.parametrize("how", ATTACKS)
async def test_nobody_passes_for_retention(opened: SqlStore, how: str) -> None:
    """Without a trigger dropped, the newest events stay: two statements took them away, and it was called retention."""
    await fresh_story(opened)
    await opened.audit.seal()
    with pytest.raises(Unavailable, match="the audit log is append-only"):
        await opened.database.write(ATTACKS[how])
    assert [line["position"] for line in await exported(opened)][:2] == [1, 2]
    assert (await opened.audit.check()).broken is None


async def fresh_story(store: SqlStore) -> None:
    """Two events of this minute."""
    now = datetime.now(tz=UTC) - timedelta(seconds=30)
    opened = await store.changes.open(a_change(), replace(an_event(), at=now), jobs=[])
    event = Event(kind=EventKind.REJECTED, at=now, by="U0BOB002", detail={})
    await store.changes.move(opened, opened.after(event), event)


async def test_what_is_cut_after_a_shorter_time_than_is_configured_is_a_break(opened: SqlStore) -> None:
    """Who writes a shorter retention into the cut leaves that in the chain, and is found out by it."""
    await fresh_story(opened)
    await opened.audit.seal()

    await opened.database.write(lambda connection: _take(connection, retention="0.0"))
    await opened.audit.seal()
    check = await opened.audit.check(retention=400 * 86400.0)
    assert check.broken is not None
    assert check.broken.position == 2
    assert "when the youngest of it" in check.broken.why
    assert "retention is 400 d" in check.broken.why


async def test_what_is_missing_without_a_word_in_the_log_is_a_break(opened: SqlStore) -> None:
    """Triggers dropped, and the proof taken away with the rest."""
    await story(opened)
    await opened.audit.seal()
    with pytest.raises(Later):
        await opened.upkeep(retention=0).performers()["clean"](await _leased(opened))
    await opened.audit.seal()
    assert (await opened.audit.check()).broken is None
    await behind_our_back(opened, delete(events).where(events.c.kind == "cut"))
    check = await opened.audit.check()
    assert check.broken is not None
    assert "the log does not say that retention took it away" in check.broken.why


async def test_a_cut_of_an_older_version_is_no_break(opened: SqlStore) -> None:
    """It left no proof; that is said, and the next cut has one."""
    await story(opened)
    await opened.audit.seal()
    with pytest.raises(Later):
        await opened.upkeep(retention=0).performers()["clean"](await _leased(opened))

    def forget(connection: Connection) -> None:
        on = " ON chain" if connection.dialect.name == "postgresql" else ""
        connection.execute(text(f"DROP TRIGGER chain_no_update{on}"))
        if not on:
            connection.execute(text("DROP TRIGGER chain_no_return"))
        connection.execute(update(chain).values(retention=None, until=None))

    await opened.database.write(forget)
    await opened.audit.seal()
    check = await opened.audit.check(retention=60)
    assert (check.broken, check.cut, check.since) == (None, None, 2)


async def test_a_head_that_retention_has_passed_cannot_be_checked(opened: SqlStore) -> None:
    """It is said to be too old; that is no broken chain."""
    await story(opened)
    old = await opened.audit.seal()
    await story(opened, "c-2", service="cart")
    await opened.audit.seal()
    with pytest.raises(Later):
        await opened.upkeep(retention=0).performers()["clean"](await _leased(opened))
    assert (await opened.audit.check()).since == 4
    with pytest.raises(ValueError, match="retention has taken everything up to 4 away"):
        await opened.audit.check(known=old)


async def test_retention_spares_open_changes_and_fresh_keys(opened: SqlStore) -> None:
    """A click that Slack delivers again stays known for two days, however short the retention."""
    await opened.changes.open(a_change(), an_event(), jobs=[])
    await opened.audit.seal()
    await opened.jobs.submit(Job(key="old", kind="click"), Job(key="fresh", kind="click"))
    for leased in await opened.jobs.claim(limit=9, lease=9):
        await opened.jobs.finish(leased)
    aged = update(jobs).where(jobs.c.key == "old").values(done_at=jobs.c.done_at - 3 * 86400)
    await opened.database.write(lambda connection: connection.execute(aged))
    with pytest.raises(Later):
        await opened.upkeep(retention=0).performers()["clean"](await _leased(opened))
    keys = await opened.database.read(lambda c: list(c.execute(select(jobs.c.key)).scalars()))
    assert sorted(keys) == ["fresh", "upkeep:clean", "upkeep:seal"]
    assert (await opened.changes.get("c-1")).open
    assert len(await exported(opened)) == 1


async def _leased(store: SqlStore) -> Any:
    """The upkeep's own job."""
    await store.jobs.submit(*UPKEEP)
    return (await store.jobs.claim(limit=1, lease=60, kinds={"clean"}))[0]


async def test_the_head_is_printed_when_it_is_new(opened: SqlStore, caplog: pytest.LogCaptureFixture) -> None:
    """A log that is kept elsewhere proves it later."""
    await story(opened)
    seal = opened.upkeep(retention=60).performers()["seal"]
    leased = await _leased(opened)
    with caplog.at_level(logging.INFO):
        for _ in range(2):
            with pytest.raises(Later):
                await seal(leased)
    assert [r.getMessage() for r in caplog.records] == [
        f"the audit log's head is {await opened.audit.seal()}"
    ]


async def test_many_events_are_sealed_and_walked_in_batches(tmp_path: Path) -> None:
    """More than one batch of 500."""
    url = f"sqlite:///{tmp_path / 'bot.db'}"
    migrate(url)
    store = open_store(url)
    row = {"change": "c-0", "cluster": "prod", "kind": "proposed", "at": AT, "by": "bot", "detail": "{}"}
    await store.database.write(lambda connection: connection.execute(events.insert(), [row] * 1201))
    await store.audit.seal()
    check = await store.audit.check()
    lines = await exported(store)
    await store.close()
    assert (check.links, len(lines), check.broken) == (1201, 1201, None)


async def test_people_are_not_kept_twice(opened: SqlStore) -> None:
    """One pseudonym a person, whatever they do."""
    await story(opened)
    await story(opened, "c-2", service="cart")
    query = select(people.c.person).order_by(people.c.person)
    found = await opened.database.read(lambda connection: list(connection.execute(query).scalars()))
    assert found == ["U0ALICE1", "U0BOB002"]
