"""Log lines are JSON and hold no secrets."""

import io
import json
import logging
from collections.abc import Iterator

import pytest

from bot.config.logs import MASK, log_to, mask


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    """Give what the log writes, and leave the process's logging as it was."""
    stream = io.StringIO()
    root = logging.getLogger()
    level = root.level
    writer = log_to(stream)
    try:
        yield stream
    finally:
        root.removeHandler(writer)
        root.setLevel(level)


def test_a_line_is_one_json_object(lines: io.StringIO) -> None:
    """With time, level, logger, message, and what `extra` adds."""
    logging.getLogger("bot.worker").info(
        "applied %s\nsecond line", "CHG-7", extra={"change": "CHG-7", "tries": 2}
    )
    entry = json.loads(lines.getvalue())
    assert lines.getvalue().count("\n") == 1
    assert entry["time"].endswith("+00:00")
    assert {k: v for k, v in entry.items() if k != "time"} == {
        "level": "info",
        "logger": "bot.worker",
        "message": "applied CHG-7\nsecond line",
        "change": "CHG-7",
        "tries": 2,
    }


def test_a_traceback_is_part_of_its_line(lines: io.StringIO) -> None:
    """Masked as everything else."""
    try:
        json.loads("Authorization: Bearer abcdefgh12345")
    except ValueError as error:
        error.add_note("Authorization: Bearer abcdefgh12345")
        logging.getLogger("bot").exception("it broke")
    entry = json.loads(lines.getvalue())
    assert "Traceback" in entry["error"]
    assert "abcdefgh12345" not in entry["error"]


@pytest.mark.parametrize(
    "secret",
    [
        "xoxb-123-456-abc",
        "xoxe.xoxp-1-abc",
        "xapp-1-A0-99-abc",
        "Authorization: Bearer eyJhbGciOi.J9.x",
        "SDK-HMAC-SHA256 Access=AKIA, SignedHeaders=host, Signature=0abc",
        "postgresql://bot:hunter2@db/x",
        "https://hooks.slack.com/commands/T1/2/abc",
        "-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----",
        "X-Auth-Token: MIIGabc",
        '{"password": "hunter2"}',
        "secret_key=SKSKSK",
        "eyJhbGciOiJSUzI1.eyJpc3MiOiJr.c2ln",
    ],
)
def test_what_looks_like_a_secret_is_masked(lines: io.StringIO, secret: str) -> None:
    """In messages, arguments and extras of any library."""
    logging.getLogger("somebody.else").warning("sent %s", secret, extra={"request": f"with {secret} inside"})
    text = lines.getvalue()
    assert MASK in text
    for part in ("hunter2", "123-456", "A0-99", "0abc", "MIIE", "MIIGabc", "SKSKSK", "c2ln", "T1/2"):
        assert part not in text


@pytest.mark.parametrize(
    "text", ["CHG-7 was approved by U0BOB", "shop/checkout: 10.0.0.9:443 answers", "the token was refused"]
)
def test_what_looks_like_nothing_of_the_kind_stays(text: str) -> None:
    """Logs are there to be read."""
    assert mask(text) == text
