"""A store's journal into jobs: listed, found by the beginning of an id, given up, sent again. Calls nobody and knows no graph.

What each state allows is said here, in words, before the journal would refuse it.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from dagcontent.api.result import Job
from dagcontent.api.seams import Seams
from dagcontent.errors import UsageError
from dagcontent.store.store import Store, open_store
from dagcontent.values.attempt import BLOCKING, Attempt, AttemptState

__all__ = ["ALLOWED", "abandon_job", "allow", "attempt_of", "check_job", "held", "list_jobs", "retry_job"]

_S: Final = AttemptState
_UNDER_WAY: Final = frozenset({_S.INTENT, _S.SUBMITTED, _S.SPOOLED})
ALLOWED: Final = {
    "abandon": frozenset({_S.SUBMITTED, _S.SPOOLED, _S.UNRESOLVED, _S.EXPIRED}),
    "retry": frozenset({_S.UNRESOLVED, _S.EXPIRED, _S.ABANDONED}),
    "adopt": frozenset({_S.UNRESOLVED}),
    "resume": _UNDER_WAY,
}
"""What may be done with an attempt, by its state."""
_IS: Final = {
    _S.INTENT: "was sent, and what became of it was not found out yet",
    _S.SUBMITTED: "is at work at its vendor",
    _S.SPOOLED: "has its result here, to be recorded",
    _S.COMMITTED: "is done, and its result is in the store",
    _S.RELEASED: "cost nothing and is over",
    _S.CHARGED: "failed and was charged",
    _S.EXPIRED: "is over, and its vendor keeps the result no longer",
    _S.UNRESOLVED: "is unresolved",
    _S.ABANDONED: "was given up",
    _S.SUPERSEDED: "was given up for another",
}
_INSTEAD: Final = {
    _S.INTENT: "dagcontent jobs resume {id} finds out what became of it",
    _S.SUBMITTED: "dagcontent jobs resume {id} fetches its result",
    _S.SPOOLED: "dagcontent jobs resume {id} records it",
    _S.COMMITTED: "a build finds it; there is nothing to do",
    _S.RELEASED: "a build sends it again by itself",
    _S.CHARGED: "change the node: another request is another attempt",
    _S.EXPIRED: "dagcontent jobs retry {id} pays for it again, jobs abandon {id} leaves it",
    _S.UNRESOLVED: "dagcontent jobs adopt {id} HANDLE, jobs retry {id} or jobs abandon {id} settles it",
    _S.ABANDONED: "dagcontent jobs retry {id} sends it again",
    _S.SUPERSEDED: "a build sends it again by itself",
}


def list_jobs(store: Path, *, everything: bool = False) -> list[Job]:
    """Return the paid requests that keep a node from being sent, or all there were; the oldest first. Raises StoreError."""
    with open_store(store, write=False) as opened:
        found = opened.attempts.list(None if everything else BLOCKING)
        return [Job.of(one, held=held(opened, one)) for one in found]


def check_job(store: Path, what: str, prefix: str) -> Job:
    """Return the one whose id begins so, if it may be adopted, retried or abandoned. Raises UsageError, StoreError."""
    with open_store(store, write=False) as opened:
        return Job.of(allow(opened, what, prefix))


def abandon_job(store: Path, prefix: str, *, seams: Seams | None = None) -> Job:
    """Give a request up: it counts as paid, and its node stays undone. Raises UsageError, StoreError."""
    now_ms = (seams or Seams()).now_ms()
    with open_store(store) as opened:
        found = allow(opened, "abandon", prefix)
        return Job.of(opened.attempts.abandon(found.id, now_ms=now_ms).result())


def retry_job(store: Path, prefix: str, *, seams: Seams | None = None) -> Job:
    """Let the next build send a request again. It may then be paid twice. Raises UsageError, StoreError."""
    now_ms = (seams or Seams()).now_ms()
    with open_store(store) as opened:
        found = allow(opened, "retry", prefix)
        return Job.of(opened.attempts.supersede(found.id, now_ms=now_ms).result())


def attempt_of(store: Store, prefix: str) -> Attempt:
    """Return the attempt whose id begins so. Raises UsageError."""
    ids: Sequence[str] = store.attempts.find_id(prefix)
    found = store.attempts.get(ids[0]) if len(ids) == 1 else None
    if found is not None:
        return found
    if ids:
        raise UsageError(f"{len(ids)} attempts begin with {prefix}: {', '.join(ids[:4])}", hint="give more of the id")
    raise UsageError(f"there is no attempt {prefix}", hint="dagcontent jobs list --all shows every one there is")


def allow(store: Store, what: str, prefix: str) -> Attempt:
    """Return the attempt with which something may be done. Raises UsageError that says its state and what can be done."""
    found = attempt_of(store, prefix)
    if found.state not in ALLOWED[what]:
        raise UsageError(
            f"attempt {found.id} ({found.intent.instance}) {_IS[found.state]}: there is nothing to {what}",
            hint=_INSTEAD[found.state].format(id=found.id),
        )
    if held(store, found):
        raise UsageError(
            f"attempt {found.id} ({found.intent.instance}) is in the hands of run {found.owner or found.intent.run}",
            hint="wait until that has ended, or stop it",
        )
    return found


def held(store: Store, attempt: Attempt) -> bool:
    """Whether a run that is alive goes on with an attempt."""
    return attempt.state in _UNDER_WAY and store.run_alive(attempt.owner or attempt.intent.run)
