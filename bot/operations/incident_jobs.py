"""The jobs that incidents leave behind; the messages they post are views of rows."""

from datetime import datetime

from bot.domain.incident import Incident
from bot.ports import Job

NOTICE = "incident"
"""Bring an incident's message up to date."""
FOLD = "incident-fold"
"""Bring up to date the message that tells several incidents together."""
DIGEST = "incident-digest"
"""Tell once what was so when the cluster was first looked at."""
WEEKLY = "incident-weekly"
"""Tell what merely stays as it is."""
SAY = "incident-say"
"""Say one thing in the thread of an incident's message, once."""

UNHEARD = "incident-unheard"
"""Tell in the change channel what an incident channel cannot be told; also the detail of a row that names its job."""

PART_OF, CAUSE, BECAUSE = "partOf", "cause", "because"
"""Details of a row: the incident that tells an act too, the act behind an incident, and what was done."""


def notice_job(incident: str) -> Job:
    """Draw the message as the row is when the job runs; asked for again, drawn again."""
    return Job(key=f"incident:{incident}", kind=NOTICE, payload={"incident": incident}, again=True)


def fold_job(key: str, channel: str) -> Job:
    """Draw the message that tells what did not get one of its own."""
    return Job(key=key, kind=FOLD, payload={"channel": channel}, again=True)


def digest_job(cluster: str) -> Job:
    """Tell what was so at first, once."""
    return Job(key=f"incident-digest:{cluster}", kind=DIGEST, payload={"cluster": cluster})


def weekly_job(cluster: str, due: datetime) -> Job:
    """Tell what merely stays as it is, once for each time that it is due."""
    key = f"incident-weekly:{cluster}:{due:%Y-%m-%d}"
    return Job(key=key, kind=WEEKLY, payload={"cluster": cluster})


def unheard_job(key: str, channel: str) -> Job:
    """Draw what cannot be told in a channel, in another one."""
    return Job(key=key, kind=UNHEARD, payload={"channel": channel}, again=True)


def say_job(incident: Incident, what: str, delay: float = 0.0) -> Job:
    """Say one thing of an incident, once; `what` names it."""
    payload = {"incident": incident.id, "what": what}
    return Job(key=f"incident-say:{incident.id}:{what}", kind=SAY, payload=payload, delay=delay)
