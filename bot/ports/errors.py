"""What may go wrong out there, as one tree.

WorldError                       somebody or something outside did not do what was asked
├── Unavailable                  no answer, or not now; nothing is known about what happened
│   └── Unreadable               a row of ours that another version wrote: that one goes on with it
├── Forbidden                    the answer is no; its sentence may be shown to people
├── NotFound                     it is not there
├── Conflict                     it changed since it was read
├── Invalid                      the request was refused as malformed; its sentence may be shown
└── Stale                        our own row moved on: somebody else decided first
"""


class WorldError(Exception):
    """Something outside did not do what was asked; the message is one sentence, fit for a person."""


class Unavailable(WorldError):
    """No answer in time, or a server error: whether it happened is not known.

    `retry_after` is how many seconds the other side asked us to wait, where it did.
    """

    def __init__(self, message: str, *, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class Unreadable(Unavailable):
    """A stored row that another version of the bot wrote; it is left to replicas of that version."""

    def __init__(self, what: str) -> None:
        super().__init__(f"{what} was written by another version of the bot")


class Forbidden(WorldError):
    """The answer is no, by access control or by an admission webhook."""


class NotFound(WorldError):
    """The thing is not there."""


class Conflict(WorldError):
    """The precondition failed: the object changed since it was read."""


class Invalid(WorldError):
    """The request itself was refused."""


class Stale(WorldError):
    """The stored row is no longer as it was read: another click or replica moved it first."""


class AlreadyOpen(WorldError):
    """One of the Services has an open change already."""

    def __init__(self, change_id: str, number: int) -> None:
        super().__init__(f"CHG-{number} is open for it already")
        self.change_id = change_id
        self.number = number
