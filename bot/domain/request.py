"""What `enable` and `disable` mean for one Service: a patch, nothing to do, or no.

The table is the contract's; its reasons are the vendor's (cce_10_0355): under `externalTrafficPolicy: Local`
CCE writes `onlyLocal` itself, and `"false"` is documented nowhere, so switching off removes the key.
"""

from dataclasses import dataclass
from enum import StrEnum

from bot.domain.change import Verb

ON = frozenset({"true", "onlyLocal"})


class Answer(StrEnum):
    """What a request comes to."""

    PROPOSE = "propose"
    ALREADY = "already"
    REFUSE = "refuse"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """The answer, a sentence for the person, and the value that a proposal sets (None: remove the key)."""

    answer: Answer
    sentence: str = ""
    value: str | None = None


def outcome(verb: Verb, *, local: bool, value: str | None, settled: bool = True) -> Outcome:
    """Decide what a request comes to.

    Args:
        verb: enable or disable.
        local: whether externalTrafficPolicy is Local.
        value: the annotation now; None is absent.
        settled: whether CCE had its time to write `onlyLocal` to a Local Service (false: it is about to).
    """
    if verb is Verb.ENABLE:
        return _enable(value, local=local, settled=settled)
    return _disable(value, local=local)


def _enable(value: str | None, *, local: bool, settled: bool) -> Outcome:
    if value == "true":
        return Outcome(answer=Answer.ALREADY, sentence='pass-through is already on ("true"). Nothing to do.')
    if value == "onlyLocal":
        return Outcome(answer=Answer.ALREADY, sentence=_ONLY_LOCAL[local])
    if local and not settled:
        return Outcome(answer=Answer.ALREADY, sentence=_ABOUT_TO_BE)
    return Outcome(answer=Answer.PROPOSE, value="true", sentence=_NOT_WRITTEN if local else "")


def _disable(value: str | None, *, local: bool) -> Outcome:
    if local:
        return Outcome(answer=Answer.REFUSE, sentence=_LOCAL_STAYS_ON)
    if value not in ON:
        return Outcome(answer=Answer.ALREADY, sentence="pass-through is already off. Nothing to do.")
    return Outcome(answer=Answer.PROPOSE, value=None)


_ONLY_LOCAL = {
    True: (
        "pass-through is already on: CCE wrote onlyLocal because externalTrafficPolicy is Local. "
        "Clients inside the cluster are sent to the load balancer. Nothing to do."
    ),
    False: (
        "pass-through is already on: the annotation says onlyLocal, which CCE writes for externalTrafficPolicy "
        "Local; the policy is Cluster now, and the value stays in force. Nothing to do."
    ),
}
_ABOUT_TO_BE = (
    "pass-through is about to be on: with externalTrafficPolicy Local, CCE writes onlyLocal itself within a few "
    "minutes. Look again with status, and propose only if it has not."
)
_NOT_WRITTEN = "CCE has not written onlyLocal for externalTrafficPolicy Local, so this proposes it."
_LOCAL_STAYS_ON = (
    "pass-through cannot be switched off while externalTrafficPolicy is Local: CCE writes onlyLocal back. "
    "Instead let clients inside the cluster use the Service's ClusterIP name, or set the policy to Cluster."
)
