"""`migrate` and `audit`, as the command line runs them."""

import asyncio
import json
from pathlib import Path

import pytest
from sqlalchemy import delete

from bot.__main__ import main
from bot.adapters.store import open_store
from bot.adapters.store.tables import events
from bot.domain.change import ServiceRef
from tests.adapters.store.examples import a_change, an_event

CART = ServiceRef(cluster="prod", namespace="shop", name="cart")


@pytest.fixture
def database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """DATABASE_URL of a file that is not there yet."""
    url = f"sqlite:///{tmp_path / 'bot.db'}"
    monkeypatch.setenv("DATABASE_URL", url)
    return url


def propose(url: str, *, then_lose_it: bool = False) -> None:
    """Leave one event in the log, and perhaps take it away behind the chain's back."""

    async def story() -> None:
        store = open_store(url)
        await store.changes.open(a_change(), an_event(), jobs=[])
        await store.audit.seal()
        if then_lose_it:
            await store.changes.open(a_change("c-2", CART), an_event(), jobs=[])
            await store.audit.seal()
            await store.database.write(lambda c: c.execute(delete(events).where(events.c.position == 1)))
        await store.close()

    asyncio.run(story())


def test_migrate_says_where_the_database_is(database: str, capsys: pytest.CaptureFixture[str]) -> None:
    """And creates the file."""
    assert main(["migrate"]) == 0
    assert capsys.readouterr().out == "The database is at revision 0002.\n"
    assert Path(database.removeprefix("sqlite:///")).exists()


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
    assert "whole: 0 events" in capsys.readouterr().out


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
