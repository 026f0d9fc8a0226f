"""Turn what the journal and the records say of one key into why it is not simply made. Knows no graph and no policy."""

from __future__ import annotations

from typing import Final, Literal

import apsw
import msgspec

from dagcontent.errors import StoreDamaged
from dagcontent.store import db, journal, records
from dagcontent.store.cas import Cas
from dagcontent.values.attempt import Attempt, AttemptState
from dagcontent.values.record import FailedCharged, Record

__all__ = ["Standing", "StandingState", "standing"]

StandingState = Literal["repay", "resume", "unresolved", "abandoned", "failed"]

_OF_ATTEMPT: Final[dict[AttemptState, StandingState]] = {
    AttemptState.INTENT: "resume",
    AttemptState.SUBMITTED: "resume",
    AttemptState.SPOOLED: "resume",
    AttemptState.UNRESOLVED: "unresolved",
    AttemptState.EXPIRED: "repay",
    AttemptState.ABANDONED: "abandoned",
}


class Standing(msgspec.Struct, frozen=True):
    """What stands between a key and a purchase.

    `repay`: it was paid for, and its bytes are gone (`record` if that can be read; `attempt`: the one that expired, or that
    made it, if its vendor may have it still). `resume`: a
    request is under way. `unresolved`: nobody can tell what became of one; `attempt` is None if its row is damaged.
    `abandoned`: a person gave it up. `failed`: a failure that was paid for. `detail` is for people.
    """

    state: StandingState
    attempt: Attempt | None = None
    record: Record | None = None
    detail: str = ""


def standing(connection: apsw.Connection, key: bytes, cas: Cas) -> Standing | None:
    """Return why a key may not be bought; None if its record can be used, and if nothing is known of it."""
    there = records.look(connection, key, cas)
    if there is not None and there.usable and there.record is not None:
        outcome = there.record.outcome
        if isinstance(outcome, FailedCharged):
            return Standing("failed", record=there.record, detail=outcome.message)
        return None
    if db.has_attempts(connection):
        try:
            attempt = journal.blocking(connection, key)
        except StoreDamaged as error:
            return Standing("unresolved", detail=error.message)
        if attempt is not None:
            record = there.record if there is not None else None
            return Standing(_OF_ATTEMPT[attempt.state], attempt, record, attempt.message)
    if there is not None and there.paid:
        return Standing("repay", _maker(connection, key), there.record, there.detail)
    return None


def _maker(connection: apsw.Connection, key: bytes) -> Attempt | None:
    """Return the last attempt that made a key's result and has an id to ask for it by."""
    if not db.has_attempts(connection):
        return None
    try:
        made = journal.listed(connection, (AttemptState.COMMITTED,), graph=None, provider=None, key=key.hex())
    except StoreDamaged:
        return None  # told by `verify`; without it the result is not asked for again
    return next((one for one in reversed(made) if one.handle is not None), None)
