"""The jobs that operations leave behind, by kind: their keys are what makes doing them twice harmless."""

from datetime import datetime

from bot.domain.change import Change
from bot.domain.verification import Run
from bot.domain.verification_progress import progress_line
from bot.operations.caller import Caller
from bot.ports import Job

ORDER = "order"
"""A command that changes or measures something."""
CLICK = "click"
"""A decision about a change, or a stop of a verification."""
CARD = "card"
"""Bring a change's card up to date."""
ADVANCE = "advance"
"""Take a change one step further: measure, apply, measure again, conclude."""
MEASURE = "measure"
"""The same for a verification without a change."""
LOOK = "look"
"""See whether a change that is not applied yet still is what it says: draw it again, or supersede it."""
RENEW = "renew"
"""Make a new proposal in place of a superseded one."""
UNDO = "undo"
"""Roll back a change that failed, where the configuration says so."""
EXPIRE = "expire"
REMIND = "remind"
VERDICT = "verdict"
FAILED = "failed"
"""Tell the incident channel of a verification without a change that failed."""
PICTURE = "picture"
"""Show a verification's counters as a picture under its verdict, once."""
SAY = "say"
"""Post one message, once: in the thread of a change's card, or of its notice."""
ANNOUNCE = "announce"
"""Post one sentence in a channel, once."""
NOTICE = "notice"
"""Bring the incident channel's notice of a change up to date."""
INVITE = "invite"
"""Find the approvers of a proposal who are not in its channel."""
INVITATION = "invitation"
"""Tell one of them directly, once."""
TELL = "tell"
"""Record the Kubernetes Event of an applied change."""
SWEEP = "sweep"
"""Clear away the probe Pods that no verification wants."""
PROGRESS = "progress"
"""Bring the progress message of a verification up to date."""

LOOK_AGAIN = 30.0
"""Seconds between two looks at a proposal that waits."""


def order_job(delivery: str, verb: str, target: str, reason: str, caller: Caller) -> Job:
    """Store a command; the same delivery is the same job."""
    payload = {"verb": verb, "target": target, "reason": reason, "caller": caller.as_json()}
    return Job(key=f"order:{delivery}", kind=ORDER, payload=payload)


def click_job(delivery: str, action: str, subject: str, reason: str, caller: Caller) -> Job:
    """Store a click on a change (or a run); the same delivery is the same job."""
    payload = {"action": action, "subject": subject, "reason": reason, "caller": caller.as_json()}
    return Job(key=f"click:{delivery}", kind=CLICK, payload=payload)


AT_ONCE = ".at-once"
"""Ends the subject of an approval that wants no measurement before the patch."""


def card_job(change: str) -> Job:
    """Draw the card as the row is when the job runs; asked for again, drawn again."""
    return Job(key=f"card:{change}", kind=CARD, payload={"change": change}, again=True)


def advance_job(change: str, delay: float = 0.0) -> Job:
    """One job per change, due again whenever something happened to it."""
    return Job(key=f"advance:{change}", kind=ADVANCE, payload={"change": change}, delay=delay, again=True)


def look_job(change: str) -> Job:
    """One job per proposal, until it is decided against or applied."""
    return Job(key=f"look:{change}", kind=LOOK, payload={"change": change}, delay=LOOK_AGAIN)


def renew_job(change: str) -> Job:
    """Propose again what was superseded, once."""
    return Job(key=f"renew:{change}", kind=RENEW, payload={"change": change})


def undo_job(change: str) -> Job:
    """Roll back by the bot itself, once."""
    return Job(key=f"undo:{change}", kind=UNDO, payload={"change": change})


def notice_job(change: str) -> Job:
    """Draw the notice as the row is when the job runs; asked for again, drawn again."""
    return Job(key=f"notice:{change}", kind=NOTICE, payload={"change": change}, again=True)


def verdict_job(run: str) -> Job:
    """Say how a verification without a change ended, once."""
    return Job(key=f"verdict:{run}", kind=VERDICT, payload={"run": run})


def failed_job(run: str) -> Job:
    """Tell the incident channel of it, once."""
    return Job(key=f"failed:{run}", kind=FAILED, payload={"run": run})


def picture_job(run: str) -> Job:
    """Show a run's counters as a picture, once its verdict is said."""
    return Job(key=f"picture:{run}", kind=PICTURE, payload={"run": run})


def measure_job(run: str, delay: float = 0.0) -> Job:
    """One job per verification without a change."""
    return Job(key=f"measure:{run}", kind=MEASURE, payload={"run": run}, delay=delay, again=True)


def expire_job(change: Change) -> Job:
    """Let a proposal expire at its time."""
    delay = (change.expires_at - change.requested_at).total_seconds()
    return Job(key=f"expire:{change.id}", kind=EXPIRE, payload={"change": change.id}, delay=delay)


def remind_job(change: Change) -> Job:
    """Remind the approvers before a proposal expires."""
    delay = (change.remind_at - change.requested_at).total_seconds() if change.remind_at else 0.0
    return Job(key=f"remind:{change.id}", kind=REMIND, payload={"change": change.id}, delay=delay)


def say_job(change: str, what: str, sentence: str = "") -> Job:
    """Say one thing about a change, once; `what` names it, and the template where there is no sentence."""
    payload = {"change": change, "what": what} | ({"sentence": sentence} if sentence else {})
    return Job(key=f"say:{change}:{what}", kind=SAY, payload=payload)


def announce_job(key: str, channel: str, sentence: str) -> Job:
    """Say one sentence in a channel, once."""
    return Job(key=f"announce:{key}", kind=ANNOUNCE, payload={"channel": channel, "sentence": sentence})


REMINDER = "reminder"
"""What is said of a proposal that still waits when its end is near."""


def invite_job(change: str, what: str) -> Job:
    """Find those to be told directly, once for the proposal and once for its reminder."""
    return Job(key=f"invite:{change}:{what}", kind=INVITE, payload={"change": change, "what": what})


def invitation_job(change: str, what: str, user: str) -> Job:
    """Tell one person directly, once."""
    payload = {"change": change, "what": what, "user": user}
    return Job(key=f"invitation:{change}:{what}:{user}", kind=INVITATION, payload=payload)


def tell_job(change: str) -> Job:
    """Record the Kubernetes Event, once."""
    return Job(key=f"tell:{change}", kind=TELL, payload={"change": change})


def progress_job(run: str, delay: float = 0.0) -> Job:
    """Draw the progress of a verification as the row is when the job runs."""
    return Job(key=f"progress:{run}", kind=PROGRESS, payload={"run": run}, delay=delay, again=True)


def sweep_job(cluster: str) -> Job:
    """One job per cluster that is never done; asked for again, due at once."""
    return Job(key=f"sweep:{cluster}", kind=SWEEP, payload={"cluster": cluster}, again=True)


QUIET = 15.0
"""Seconds between two edits of a progress message while a step lasts: all edits share one budget at Slack."""


def news_job(before: Run, after: Run, now: datetime) -> Job:
    """Draw the progress at once where a step of the verification ended or began, else within 15 seconds."""
    same = after.open and progress_line(before, now).words == progress_line(after, now).words
    return progress_job(after.id, delay=QUIET if same else 0.0)
