"""Turn the journal, the spool and `paid.jsonl` of a store into what is wrong with them. Knows no record's meaning."""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Iterable
from typing import Final

import apsw

from dagcontent.errors import StoreDamaged
from dagcontent.store import journal
from dagcontent.store.db import fetch
from dagcontent.store.journal import day_of, read_attempt
from dagcontent.store.layout import Layout
from dagcontent.store.paid import read_lines
from dagcontent.store.problem import Problem
from dagcontent.store.spool import attempt_of
from dagcontent.values.attempt import Attempt, AttemptState

__all__ = ["Ledger", "check_ledger", "clear_leftovers", "mend_ledger"]

_S: Final = AttemptState
_OVER: Final = frozenset({_S.COMMITTED, _S.RELEASED})
"""States after which nothing that lies in the spool is of use; a charged failure's answer may be."""
_COLUMNS: Final = "id, key, state, cost, held, body, checksum, run, graph, instance, provider, realm, model, day, reserved, cost_source, changed_ms, logged"


class Ledger:
    """What was found: every attempt that can be read, keys that were paid for, what is left over, what is wrong."""

    def __init__(self) -> None:
        self.attempts: dict[str, Attempt] = {}
        self.paid_keys: set[str] = set()
        self.logged: set[str] = set()
        self.problems: list[Problem] = []
        self.leftovers: list[str] = []
        """Files of the spool that a crash left after their record was committed."""
        self.unlogged: list[str] = []
        """Attempts that the journal takes for written down in `paid.jsonl`, and are not."""


def check_ledger(layout: Layout, connection: apsw.Connection | None) -> Ledger:
    """Look at everything about money; change nothing."""
    ledger = Ledger()
    if connection is not None:
        _check_attempts(ledger, connection)
    _check_paid(ledger, layout, known=connection is not None)
    _check_spool(ledger, layout, known=connection is not None)
    return ledger


def _check_attempts(ledger: Ledger, connection: apsw.Connection) -> None:
    for row in fetch(connection, f"SELECT {_COLUMNS} FROM attempt ORDER BY seq"):  # noqa: S608 - constants of ours
        key = row[1].hex() if type(row[1]) is bytes else ""
        try:
            attempt = read_attempt(row[:7])
        except StoreDamaged as error:
            ledger.problems.append(Problem("attempt", str(row[0])[:64], error.message, (key,), paid=True))
            if row[2] in {_S.COMMITTED.value, _S.CHARGED.value}:
                ledger.paid_keys.add(key)
            continue
        intent = attempt.intent
        said = (
            intent.run, intent.graph, intent.instance, intent.provider, intent.realm, intent.model, day_of(intent.at_ms),
            intent.reserved_microusd, attempt.cost_source, attempt.changed_ms,
        )  # fmt: skip
        if row[7:17] != said:
            detail = "is filed under another run, graph, provider, day or cost"
            ledger.problems.append(Problem("attempt", attempt.id, detail, (key,), paid=True))
        ledger.attempts[attempt.id] = attempt
        if attempt.state in {_S.COMMITTED, _S.CHARGED}:
            ledger.paid_keys.add(key)
            if row[17]:
                ledger.logged.add(attempt.id)


def _check_paid(ledger: Ledger, layout: Layout, *, known: bool) -> None:
    """Compare the file with the journal. A line that a crash tore is no problem: it was written again."""
    written: dict[str, str] = {}
    try:
        for purchase in read_lines(layout.paid):
            # An intent may stand there whose transaction was never committed: nothing was sent for it.
            if not isinstance(purchase, int) and purchase.attempt.state is not _S.INTENT:
                written[purchase.attempt.id] = purchase.attempt.key
    except OSError as error:
        ledger.problems.append(Problem("paid.jsonl", str(layout.paid), f"cannot be read ({error.strerror})", paid=True))
        return
    if not known:
        return
    for name in sorted(ledger.logged - written.keys()):
        key = ledger.attempts[name].key
        ledger.problems.append(Problem("paid.jsonl", name, "is not written down in paid.jsonl", (key,)))
        ledger.unlogged.append(name)
    for name in sorted(written.keys() - ledger.attempts.keys()):
        detail = "was paid for and is not in the database: dagcontent store verify --rebuild"
        ledger.problems.append(Problem("paid.jsonl", name, detail, (written[name],), paid=True))


def _check_spool(ledger: Ledger, layout: Layout, *, known: bool) -> None:
    try:
        with os.scandir(layout.spool) as entries:
            found = sorted(entries, key=lambda entry: entry.name)
    except FileNotFoundError:
        return
    for entry in found:
        name = attempt_of(entry.name)
        if name is None or not stat.S_ISREG(entry.stat(follow_symlinks=False).st_mode):
            ledger.problems.append(Problem("spool", entry.path, "does not belong in the spool"))
            continue
        attempt = ledger.attempts.get(name)
        if attempt is not None and attempt.state in _OVER:
            ledger.leftovers.append(entry.name)
        elif attempt is None and known:
            detail = "belongs to no attempt in the database; it may have been paid for"
            ledger.problems.append(Problem("spool", entry.path, detail, paid=True))


def mend_ledger(connection: apsw.Connection, names: Iterable[str]) -> None:
    """Have purchases written to `paid.jsonl` again."""
    journal.update_logged(connection, list(names), logged=False)


def clear_leftovers(layout: Layout, names: Iterable[str]) -> list[str]:
    """Remove files of the spool whose attempts are over. Returns what was removed."""
    gone = []
    for name in names:
        with contextlib.suppress(OSError):
            (layout.spool / name).unlink()
            gone.append(name)
    return gone
