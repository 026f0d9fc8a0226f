"""Turn paid attempts into durable facts: every step of one is a transaction. Knows no vendor, no clock and no event loop.

Reached as `store.attempts`. Writing returns a `Pending` that is done once it is on disk; what is refused raises when its result is
asked for. Reading answers at once, also in a store opened for reading, and in one of an older format, which has no attempts.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any, Final, Protocol, TypeVar

import apsw
import msgspec

from dagcontent.errors import DagcontentError, InternalError, StoreDamaged, StoreFull
from dagcontent.store import caps as budgets
from dagcontent.store import db, journal, paid, records, runs
from dagcontent.store.cas import Cas
from dagcontent.store.journal import ClaimLost, new_attempt_id
from dagcontent.store.layout import Layout
from dagcontent.store.spool import Ballast
from dagcontent.store.writer import Pending, Work
from dagcontent.values.attempt import Attempt, AttemptState, Handle, Intent
from dagcontent.values.money import Cap
from dagcontent.values.record import FailedCharged, Record
from dagcontent.values.refusal import Refusal
from dagcontent.values.units import UnitCap

__all__ = ["Attempts", "ClaimLost", "Desk", "new_attempt_id"]

T = TypeVar("T")

_S: Final = AttemptState
_UNDER_WAY: Final = frozenset({_S.INTENT, _S.SUBMITTED, _S.SPOOLED, _S.UNRESOLVED})
_MOST_IDS: Final = 20
_TRIES_AGAIN: Final = 3  # others may take the room that was given back
_TWINS_MS: Final = 86_400_000
"""Who has the job of an attempt took it not long before that was sent, whatever the clocks said meanwhile."""


class Desk(Protocol):
    """What the store lends: its folder, its bytes, and its one reader and one writer."""

    layout: Layout
    cas: Cas
    ballast: Ballast
    crashpoint: Callable[[str], None]

    def read(self, work: Work[T], empty: T) -> T:
        """Ask the database; `empty` if there is none."""
        ...

    def write(self, work: Work[T], *, durable: bool = True) -> Pending[T]:
        """Queue a piece of work for the writer."""
        ...


class Attempts:
    """The journal of paid attempts, their reservations, and the caps on them. Safe for several threads and processes."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._there = False  # whether the database was seen to have a journal

    # --- in

    def intend(self, intent: Intent, caps: Sequence[Cap | UnitCap] = (), *, repay: bool = False) -> Pending[Attempt]:
        """Write down that a request is about to be sent, and reserve its upper bound. Nothing may be sent before this is done.

        In one transaction: the claim of the key is still held by `intent.run`; the key has no record that can be used and no
        attempt that blocks it; and for every cap, what is settled and reserved and this reservation are within it. Raises
        ClaimLost, OverBudget, StoreError. `repay` is a person's word that what was paid for and lost is bought again: it
        allows a lost paid record, and supersedes an expired attempt.
        """
        attempt = Attempt(intent=intent, state=_S.INTENT, changed_ms=intent.at_ms)
        journal.encode_attempt(attempt)
        if not journal.is_attempt_id(attempt.id):
            raise InternalError(f"{attempt.id!r} is not the name of an attempt")
        if (intent.reserved_microusd or 0) < 0 or any((amount or 0) < 0 for amount in intent.units.values()):
            raise InternalError(f"the paid attempt {attempt.id} reserves less than nothing")
        ceilings = tuple(caps)
        self._desk.ballast.hold()

        def work(connection: apsw.Connection) -> Attempt:
            self._require_free(connection, intent, repay=repay)
            for cap in ceilings:
                if isinstance(cap, UnitCap):
                    budgets.check_units(connection, cap, intent)
                else:
                    budgets.check(connection, cap, intent)
            added = journal.add(connection, attempt, logged=True)
            # Before it is committed: a database that is lost later must not take a request with it that was sent.
            with db.mapped(self._desk.layout.paid):
                paid.append(self._desk.layout.paid, [paid.line_of(paid.Purchase(attempt))])
            self._desk.crashpoint("attempt.intended")
            return added

        return self._desk.write(work)

    def _require_free(self, connection: apsw.Connection, intent: Intent, *, repay: bool) -> None:
        key = bytes.fromhex(intent.key)
        if runs.holder(connection, intent.key) != intent.run:
            raise ClaimLost(f"another build took over what {intent.instance} needs", key=intent.key)
        blocked = journal.blocking(connection, key)
        if blocked is not None and not (repay and blocked.state is _S.EXPIRED):
            text = f"a paid request of {intent.instance} is in the journal already ({blocked.state.value})"
            raise ClaimLost(text, key=intent.key, attempt=blocked)
        there = records.look(connection, key, self._desk.cas)
        if there is not None and (there.usable or (there.paid and not repay)):
            how = "is made already" if there.usable else "was paid for, and is lost"
            raise ClaimLost(f"what {intent.instance} needs {how}", key=intent.key)
        if blocked is not None:
            journal.step(connection, blocked.id, _S.SUPERSEDED, intent.at_ms)

    def submitted(self, attempt_id: str, handle: Handle, *, now_ms: int, answer: Any = None) -> Pending[Attempt]:
        """Note the ids by which the vendor, or a person, names the job."""
        changes = {"handle": handle} if answer is None else {"handle": handle, "answer": answer}
        return self._step(attempt_id, _S.SUBMITTED, now_ms, **changes)

    def adopt(self, attempt_id: str, handle: Handle, *, now_ms: int) -> Pending[bool]:
        """Note the ids of a job that was found, or answered, unless another attempt has it: then False, and nothing is done."""

        def work(connection: apsw.Connection) -> bool:
            intent = self._known(connection, attempt_id).intent
            since_ms, others = intent.at_ms - _TWINS_MS, list[Attempt]()
            with contextlib.suppress(StoreDamaged):  # another's damage keeps no id from being written down
                others = journal.listed(
                    connection, None, graph=None, provider=intent.provider, since_ms=since_ms,
                    holding=list(handle.ids.values()),
                )  # fmt: skip
            for other in others:
                same = (
                    other.handle is not None and other.handle.ids == handle.ids and other.intent.realm == intent.realm
                )
                if same and other.id != attempt_id:
                    return False
            journal.step(connection, attempt_id, _S.SUBMITTED, now_ms, handle=handle)
            self._desk.crashpoint("attempt.submitted")
            return True

        return self._surely(work, then=self._log_soon)

    def answered(self, attempt_id: str, answer: Any, *, now_ms: int) -> Pending[Attempt]:
        """Note the status and headers of an answer whose body is not read yet. The state stays."""

        def work(connection: apsw.Connection) -> Attempt:
            attempt = self._known(connection, attempt_id)
            if attempt.state not in _UNDER_WAY:
                raise InternalError(f"the paid attempt {attempt_id} is {attempt.state.value} and awaits no answer")
            return journal.update(
                connection, msgspec.structs.replace(attempt, answer=answer, changed_ms=now_ms), log=False
            )

        return self._surely(work)

    def spooled(self, attempt_id: str, spool: Any, *, now_ms: int) -> Pending[Attempt]:
        """Note that the whole result lies in the spool; `spool` (plain data) says as what. Its bytes must be synced before."""
        return self._step(attempt_id, _S.SPOOLED, now_ms, spool=spool)

    def commit(
        self,
        attempt_id: str,
        record: Record,
        *,
        cost_microusd: int | None,
        cost_source: str,
        now_ms: int,
        replace_lost: bool = False,
        doubt: str = "",
    ) -> Pending[Record]:
        """Commit a paid result: its record, its cost in place of the reservation, and the end of its claim, in one transaction.

        Returns the record that holds: the first of a key wins, and the attempt is settled all the same. With `replace_lost` a record
        whose bytes are gone gives way. Blobs must be in the CAS before. A cost of None counts as the upper bound. `doubt` says
        what of the vendor's own report of it is not believed.
        """
        return self._settle(attempt_id, record, _S.COMMITTED, now_ms, replace_lost=replace_lost,
                            cost_microusd=cost_microusd, cost_source=cost_source, message=doubt)  # fmt: skip

    def charge(
        self,
        attempt_id: str,
        record: Record,
        *,
        cost_microusd: int | None,
        cost_source: str,
        now_ms: int,
        doubt: str = "",
    ) -> Pending[Record]:
        """Commit a failure that was paid for: a record whose outcome is FailedCharged. Otherwise as `commit`."""
        outcome = record.outcome
        if not isinstance(outcome, FailedCharged):
            raise InternalError(f"the paid attempt {attempt_id} is charged with an outcome that is no failure")
        said = "; ".join(text for text in (outcome.message, doubt) if text)
        return self._settle(attempt_id, record, _S.CHARGED, now_ms, replace_lost=False, cost_microusd=cost_microusd,
                            cost_source=cost_source, error_class=outcome.error_class, message=said)  # fmt: skip

    def release(self, attempt_id: str, error_class: str, message: str, *, now_ms: int) -> Pending[Attempt]:
        """End an attempt that provably cost nothing: its reservation is given back, and the key may be sent again."""
        return self._step(attempt_id, _S.RELEASED, now_ms, error_class=error_class, message=message)

    def pass_over(self, attempt: Attempt) -> Pending[None]:
        """Add an attempt that was released, for a key that was refused without one. Once is enough."""
        return self._surely(lambda connection: journal.pass_over(connection, attempt), then=self._log_soon)

    def unresolve(self, attempt_id: str, message: str, *, now_ms: int) -> Pending[Attempt]:
        """Note that nobody can tell what became of a request. It keeps its key and its reservation."""
        return self._step(attempt_id, _S.UNRESOLVED, now_ms, message=message)

    def expire(self, attempt_id: str, message: str, *, now_ms: int) -> Pending[Attempt]:
        """Note that the vendor does not keep the result any more. It counts as paid."""
        return self._step(attempt_id, _S.EXPIRED, now_ms, message=message)

    def abandon(self, attempt_id: str, *, now_ms: int) -> Pending[Attempt]:
        """Give an attempt up, by a person's word. It counts as paid, and its key stays undone."""
        return self._step(attempt_id, _S.ABANDONED, now_ms)

    def supersede(self, attempt_id: str, *, now_ms: int) -> Pending[Attempt]:
        """Let the key be sent again, by a person's word. The attempt counts as paid."""
        return self._step(attempt_id, _S.SUPERSEDED, now_ms)

    def correct(self, attempt_id: str, *, cost_microusd: int, cost_source: str, now_ms: int) -> Pending[Attempt]:
        """Put what a vendor told later in the place of a cost that was estimated or unknown. Nothing but that changes."""

        def work(connection: apsw.Connection) -> Attempt:
            attempt = journal.correct(connection, attempt_id, cost_microusd, cost_source, now_ms)
            self._desk.crashpoint("attempt.corrected")
            return attempt

        return self._surely(work, then=self._log_soon)

    def take_over(self, ids: Iterable[str], run: runs.Run, *, now_ms: int) -> Pending[list[Attempt]]:
        """Make a run the owner of attempts whose run is dead, and of their keys' claims; return those it owns now.

        An attempt that a living run owns, or whose key one claims, is left to it. Money counts where it was reserved.
        """
        wanted = list(ids)

        def work(connection: apsw.Connection) -> list[Attempt]:
            return [one for one in (self._take(connection, each, run, now_ms) for each in wanted) if one is not None]

        return self._desk.write(work)

    def _take(self, connection: apsw.Connection, attempt_id: str, run: runs.Run, now_ms: int) -> Attempt | None:
        attempt = self._known(connection, attempt_id)
        if attempt.state not in _UNDER_WAY:
            return None
        folder = self._desk.layout.runs
        for other in (attempt.owner or attempt.intent.run, runs.holder(connection, attempt.key)):
            if other is not None and other != run.id and runs.alive(folder, other):
                return None
        connection.execute(
            "INSERT OR REPLACE INTO claim (key, run) VALUES (?, ?)", (bytes.fromhex(attempt.key), run.id)
        )
        return journal.update(connection, msgspec.structs.replace(attempt, owner=run.id, changed_ms=now_ms), log=False)

    def _step(self, attempt_id: str, to: AttemptState, now_ms: int, **changes: Any) -> Pending[Attempt]:
        def work(connection: apsw.Connection) -> Attempt:
            attempt = journal.step(connection, attempt_id, to, now_ms, **changes)
            self._desk.crashpoint(f"attempt.{to.value}")
            return attempt

        return self._surely(work, then=None if to is _S.SPOOLED else self._log_soon)

    def _settle(
        self, attempt_id: str, record: Record, to: AttemptState, now_ms: int, *, replace_lost: bool, **changes: Any
    ) -> Pending[Record]:
        row = records.row_of(record, self._desk.cas)

        def work(connection: apsw.Connection) -> Record:
            if self._known(connection, attempt_id).key != record.key:
                raise InternalError(f"the paid attempt {attempt_id} was given the record of another key")
            # The record first: what it replaces is judged by the attempts that were settled before this one.
            winner, replaced = records.insert(connection, record, row, self._desk.cas, replace_lost=replace_lost)
            self._desk.crashpoint("attempt.recorded")
            journal.step(connection, attempt_id, to, now_ms, **changes)
            self._desk.crashpoint("attempt.settled")
            # What a build remembers to be served by another model may be so no more.
            if replaced or journal.was_released(connection, row.key):
                self._desk.layout.change_generation()
            return winner

        return self._surely(work, then=self._log_soon)

    def log_paid(self) -> None:
        """Bring `paid.jsonl` up to what is committed, soon. Called at the start of a run: a crash may have come between."""
        if self._ask(journal.unlogged, empty=False):
            self._log_soon()

    def _log_soon(self) -> None:
        def work(connection: apsw.Connection) -> None:
            self._desk.crashpoint("paid.before")
            while paid.log(connection, self._desk.layout, self._desk.cas) >= paid.MOST_LINES:
                pass
            self._desk.crashpoint("paid.appended")

        with contextlib.suppress(DagcontentError):  # the store is being closed: the next run logs it
            self._desk.write(work, durable=False)

    def _surely(self, work: Work[T], *, then: Callable[[], None] | None = None) -> Pending[T]:
        """Queue what happened and must be written down: when the disk is full, again with the ballast's room.

        `then` is called once it is, before whoever waits is told.
        """
        told: Pending[T] = Pending()

        def settle(pending: Pending[T], *, left: int) -> None:
            try:
                result = pending.result()
                if then is not None:
                    then()
                told.resolve(result, None)
            except StoreFull as error:
                try:
                    if not left or not self._desk.ballast.release():
                        raise
                    self._desk.write(work).when_done(partial(settle, left=left - 1))
                except DagcontentError:
                    told.resolve(None, error)
            except BaseException as error:  # noqa: BLE001 - whatever it is reaches the caller
                told.resolve(None, error)

        self._desk.write(work).when_done(partial(settle, left=_TRIES_AGAIN))
        return told

    @staticmethod
    def _known(connection: apsw.Connection, attempt_id: str) -> Attempt:
        attempt = journal.get(connection, attempt_id)
        if attempt is None:
            raise InternalError(f"there is no paid attempt {attempt_id!r} in the store")
        return attempt

    # --- out

    def blocking(self, key: str) -> Attempt | None:
        """Return the attempt that keeps a key from being sent, or None. Raises StoreDamaged: what cannot be read blocks too."""
        raw = bytes.fromhex(key)
        return self._ask(lambda connection: journal.blocking(connection, raw), None)

    def refused(self, key: str) -> Refusal | None:
        """Return why a key was refused; None if it was not, and while a request of it stands open."""
        raw = bytes.fromhex(key)
        return self._ask(lambda connection: journal.refused(connection, raw), None)

    def get(self, attempt_id: str) -> Attempt | None:
        """Return an attempt, or None. Raises StoreDamaged."""
        return self._ask(lambda connection: journal.get(connection, attempt_id), None)

    def list(
        self,
        states: Iterable[AttemptState] | None = None,
        *,
        graph: str | None = None,
        provider: str | None = None,
        run: str | None = None,
        key: str | None = None,
    ) -> list[Attempt]:
        """Return attempts, the oldest first; all of them if nothing is named. Raises StoreDamaged."""
        wanted = None if states is None else tuple(states)
        return self._ask(
            lambda connection: journal.listed(connection, wanted, graph=graph, provider=provider, run=run, key=key), []
        )

    def committed(self, graph: str, instance: str, limit: int) -> Sequence[str]:
        """Return the keys of what was paid for an instance of a graph and is there, newest first."""
        return self._ask(lambda connection: journal.committed(connection, graph, instance, limit), [])

    def find_id(self, prefix: str) -> Sequence[str]:
        """Return the ids that begin as a person typed, at most 20; case does not matter."""
        typed = prefix.strip().lower()
        return self._ask(lambda connection: journal.find_ids(connection, typed, _MOST_IDS), [])

    def spent(self, cap: Cap) -> tuple[int, int]:
        """Return (settled, reserved) under a cap, in micro-USD. What nobody priced counts with its upper bound, and under a day
        what is on later ones too.
        """
        return self._ask(lambda connection: budgets.spent(connection, cap.scope, cap.name, cap.provider), (0, 0))

    def used(self, cap: UnitCap) -> tuple[int, int]:
        """Return (settled, reserved) under a cap on units, in millionths of its measure. Raises StoreDamaged."""
        return self._ask(
            lambda connection: budgets.used(connection, cap.scope, cap.name, cap.provider, cap.measure), (0, 0)
        )

    def ledger(self, by: str, **which: Any) -> Sequence[journal.LedgerSum]:
        """Return sums of attempts by day, graph, model, node, provider or run; `which` of them: see `journal.ledger`."""
        return self._ask(lambda connection: journal.ledger(connection, by, **which), [])

    def _ask(self, work: Work[T], empty: T) -> T:
        def ask(connection: apsw.Connection) -> T:
            if not self._there and not db.has_attempts(connection):
                return empty
            self._there = True
            return work(connection)

        return self._desk.read(ask, empty)
