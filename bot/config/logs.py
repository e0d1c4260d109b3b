"""Logging: one JSON object a line, from which anything that looks like a secret is taken out."""

import json
import logging
import re
import sys
from datetime import UTC, datetime
from typing import TextIO

MASK = "****"

_LOOKS_SECRET = re.compile(
    r"""
    xox[a-z](?:\.[a-z]+)?-[A-Za-z0-9-]+              # Slack: bot, user, refresh and configuration tokens
  | xapp-[A-Za-z0-9-]+                               # Slack: app-level tokens
  | (?i:bearer|basic)\s+[A-Za-z0-9._~+/=-]{8,}       # an Authorization header
  | SDK-HMAC-SHA256\s[^\r\n]*                        # a signed request's Authorization header
  | (?i:[a-z]+://)[^\s:/@]*:[^\s/@]+@                # user and password in an address
  | -----BEGIN[^-]*PRIVATE\ KEY-----.*?(?:-----END[^-]*-----|\Z)
  | eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*   # a JSON web token
  | hooks\.slack(?:-gov)?\.com/[A-Za-z]+/\S+         # an address that whoever knows it may post to
    """,
    re.VERBOSE | re.DOTALL,
)
_NAMED_SECRET = re.compile(
    r"""(?ix)
    ((?:x-auth-token|x-subject-token|x-security-token|x-slack-signature|client_secret|signing_secret|secret_key
       |access_key|password|passwd|token|secret)["']?\s*[:=]\s*["']?)
    ([^\s"',;&}]+)
    """
)

_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


def mask(text: str) -> str:
    """Return text without what looks like a secret: Slack tokens, Authorization headers, keys, passwords."""
    return _NAMED_SECRET.sub(rf"\1{MASK}", _LOOKS_SECRET.sub(MASK, text))


class JsonFormatter(logging.Formatter):
    """Writes a record as one JSON object: time (UTC), level, logger, message, what `extra` adds, error.

    Masking happens on the finished line's texts, so that messages, arguments, extras and tracebacks of every
    library pass through it.
    """

    def format(self, record: logging.LogRecord) -> str:
        """Return the line, without an end of line."""
        entry: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": mask(record.getMessage()),
        }
        extras = {k: v for k, v in vars(record).items() if k not in _STANDARD and not k.startswith("_")}
        entry |= {key: _masked(value) for key, value in extras.items() if key not in entry}
        if record.exc_info:
            entry["error"] = mask(self.formatException(record.exc_info))
        return json.dumps(entry, ensure_ascii=False)


def _masked(value: object) -> object:
    return value if isinstance(value, bool | int | float | None) else mask(str(value))


def log_to(stream: TextIO = sys.stderr, *, level: int = logging.INFO) -> logging.Handler:
    """Send the whole process's log to a stream as JSON lines; return what does it, to be taken away again."""
    writer = logging.StreamHandler(stream)
    writer.setFormatter(JsonFormatter())
    root = logging.getLogger()
    root.addHandler(writer)
    root.setLevel(level)
    return writer
