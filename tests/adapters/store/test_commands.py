"""`migrate` and `audit`, as the command line runs them."""

import asyncio
import json
from pathlib import Path

import pytest
from sqlalchemy import Connection, delete, text

from bot.__main__ import main
from bot.adapters.store import open_store
from bot.adapters.store.link import START
from bot.adapters.store.retention import remove_older
from bot.adapters.store.tables import changes, events
from bot.domain.change import ServiceRef
from tests.adapters.store.examples import a_change, an_event

CART = ServiceRef(cluster="prod", namespace="shop", name="cart")


@pytest.fixture
def database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """DATABASE_URL of a file that is not there yet."""
    url = f"sqlite:///{tmp_path / 'bot.db'}"
    monkeypatch.setenv("DATABASE_URL", url)
    return url


def _lose(connection: Connection) -> None:
    connection.execute(text("DROP TRIGGER events_no_delete"))
    connection.execute(delete(events).where(events.c.position == 1))


def propose(url: str, *, then_lose_it: bool = False) -> None:
    """Leave one event in the log, and perhaps take it away behind the chain's back."""

    async def story() -> None:
        store = open_store(url)
        await store.changes.open(a_change(), an_event(), jobs=[])
        await store.audit.seal()
        if then_lose_it:
            await store.changes.open(a_change("c-2", CART), an_event(), jobs=[])
            await store.audit.seal()
            await store.database.write(_lose)
        await store.close()

    asyncio.run(story())


def test_migrate_says_where_the_database_is(database: str, capsys: pytest.CaptureFixture[str]) -> None:
    """And creates the file."""
    assert main(["migrate"]) == 0
    where = database.removeprefix("sqlite:///")
    assert capsys.readouterr().out == f"The database {where} is at revision 0005.\n"
    assert Path(where).exists()


def test_the_export_is_json_lines(database: str, capsys: pytest.CaptureFixture[str]) -> None:
    """One for each event."""
    main(["migrate"])
    propose(database)
    capsys.readouterr()
    assert main(["audit", "export"]) == 0
    (line,) = capsys.readouterr().out.splitlines()
    assert json.loads(line)["kind"] == "proposed"


def test_an_empty_log_is_whole(database: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing happened yet, and the log says so."""
    assert database
    main(["migrate"])
    capsys.readouterr()
    assert main(["audit", "verify"]) == 0
    told = capsys.readouterr()
    assert "whole: 0 events" in told.out
    assert f"of the database {database.removeprefix('sqlite:///')}" in told.err


def test_a_whole_chain_is_good_news(database: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit status 0, and the head to note."""
    main(["migrate"])
    propose(database)
    assert main(["audit", "verify"]) == 0
    assert "whole: 1 event. Its head is 1:" in capsys.readouterr().out


def test_a_broken_chain_is_bad_news(database: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit status 1, and where it broke."""
    main(["migrate"])
    propose(database, then_lose_it=True)
    assert main(["audit", "verify"]) == 1
    assert "broken at position 1: the event is missing" in capsys.readouterr().out


def test_what_was_taken_away_and_called_retention_is_bad_news(
    database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit status 1, where the configured retention is longer, and 0 where it is said to have been that short then."""
    main(["migrate"])
    propose(database)

    async def clean() -> None:
        store = open_store(database)
        await store.database.write(lambda c: c.execute(delete(changes)))
        await remove_older(store.database, seconds=3600.0)
        await store.audit.seal()
        await store.close()

    asyncio.run(clean())
    file = tmp_path / "elb-passthrough.yaml"
    file.write_text("retention: 36000d\n", encoding="utf-8")
    monkeypatch.setenv("ELB_PASSTHROUGH_CONFIG", str(file))
    capsys.readouterr()
    assert main(["audit", "verify"]) == 1
    assert "broken at position 1: what is older was taken away at" in capsys.readouterr().out
    assert main(["audit", "verify", "--retention", "1h"]) == 0
    assert "what is older, until 2026-03-01" in capsys.readouterr().out
    assert main(["audit", "verify", "--retention", "long"]) == 2


def head_of(capsys: pytest.CaptureFixture[str]) -> str:
    """The head that `audit verify` prints."""
    capsys.readouterr()
    main(["audit", "verify"])
    return capsys.readouterr().out.strip().removesuffix(".").rpartition(" ")[2]


def test_a_noted_head_is_looked_for(database: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit status 0 if the chain leads to it, else 1."""
    main(["migrate"])
    propose(database)
    head = head_of(capsys)
    assert main(["audit", "verify", "--head", head]) == 0
    assert "It leads to the head that was given." in capsys.readouterr().out
    assert main(["audit", "verify", "--head", f"7:{'f' * 64}"]) == 1
    assert "6 events up to the head that was given are missing" in capsys.readouterr().out


def test_a_head_that_is_none_is_one_sentence(database: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit status 2."""
    assert database
    assert main(["audit", "verify", "--head", "yesterday"]) == 2
    assert capsys.readouterr().err.startswith("elb-passthrough: 'yesterday' is no head: POSITION:HASH")


def test_a_person_is_erased(database: str, capsys: pytest.CaptureFixture[str]) -> None:
    """The chain is as it was; who is not known is said to be so."""
    main(["migrate"])
    propose(database)
    head = head_of(capsys)
    assert main(["audit", "erase", "U0ALICE1"]) == 0
    said = capsys.readouterr().out
    assert said.startswith("U0ALICE1 is erased: person-")
    assert "CHG-1 still names the person; erase again when it has ended." in said
    assert main(["audit", "export"]) == 0
    assert "U0ALICE1" not in capsys.readouterr().out
    assert head_of(capsys) == head
    assert main(["audit", "erase", "U0ALICE1"]) == 0
    assert capsys.readouterr().out.startswith("U0ALICE1 was erased from the log before; what has ended since")
    assert main(["audit", "erase", "U0NOBODY"]) == 0
    assert "Nobody of the id U0NOBODY is known in the log." in capsys.readouterr().out


def test_the_export_of_a_broken_log_is_what_stands_there(
    database: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Who computes the chain from it finds the break where `verify` does; a sentence beside it says so."""
    main(["migrate"])
    propose(database, then_lose_it=True)
    capsys.readouterr()
    assert main(["audit", "export"]) == 0
    shown = capsys.readouterr()
    (line,) = map(json.loads, shown.out.splitlines())
    assert line["position"] == 2
    assert line["prev"] == START
    assert shown.err.startswith("The chain is broken at position 1: the event is missing.")


@pytest.mark.parametrize("command", [["migrate"], ["audit", "verify"]])
def test_a_wrong_database_is_one_sentence(
    command: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit status 2, and no password."""
    monkeypatch.setenv("DATABASE_URL", "postgresql://bot:hunter2@127.0.0.1:1/bot")
    assert main(command) == 2
    said = capsys.readouterr().err
    assert said.startswith("elb-passthrough: the database does not answer")
    assert "hunter2" not in said
