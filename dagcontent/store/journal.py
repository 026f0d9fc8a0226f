"""Turn paid attempts into rows of the journal and back, one lawful step at a time. Knows no thread and no transaction.

Every function works inside the caller's transaction. The row of an attempt holds the whole of it as one body with a checksum; its
columns repeat what is searched and summed. `cost` is what counts as spent, `held` what is reserved beside it: a cost that nobody told
counts with its upper bound, and a reservation ends only with a cost or with the certainty that there is none.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Sequence
from typing import Any, Final

import apsw
import msgspec

from dagcontent.errors import InternalError, NodeError, StoreDamaged
from dagcontent.store.db import BLOCKING_SQL, fetch
from dagcontent.store.records import checksum
from dagcontent.values.attempt import ATTEMPT_TRANSITIONS, Attempt, AttemptState
from dagcontent.values.refusal import RECORDED, Refusal
from dagcontent.values.value import MALFORMED, wire_decode_hook, wire_encode_hook

__all__ = [
    "HOLDING",
    "LEDGER_KEYS",
    "ClaimLost",
    "LedgerSum",
    "add",
    "blocking",
    "committed",
    "correct",
    "counted",
    "day_of",
    "decode_attempt",
    "encode_attempt",
    "find_ids",
    "get",
    "is_attempt_id",
    "ledger",
    "listed",
    "new_attempt_id",
    "pass_over",
    "read_attempt",
    "refused",
    "step",
    "unlogged",
    "update",
    "update_logged",
    "was_released",
]

_DIGITS: Final = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford's: no i, l, o, u
_ALPHABET: Final = frozenset(_DIGITS)
_ID_LENGTH: Final = 26
_TIME_DIGITS: Final = 10
_S: Final = AttemptState
_TOLD: Final = frozenset({"reported", "computed"})
HOLDING: Final = frozenset({_S.INTENT, _S.SUBMITTED, _S.SPOOLED, _S.UNRESOLVED})
"""While an attempt is in one of these, what it may cost is reserved."""


class ClaimLost(NodeError):  # noqa: N818 - a state: somebody else has the key, or its result is there
    """A request was not sent, because its key is not ours any more. `attempt` is the one that blocks it, if that is why."""

    def __init__(self, message: str, *, key: str, attempt: Attempt | None = None) -> None:
        super().__init__(
            message, facts=[("key", key)], hint="build again: what another build made is found", retry=True
        )
        self.attempt = attempt


def new_attempt_id(now_ms: int) -> str:
    """Return a unique name whose order as text is the order of time: 10 digits of milliseconds, 16 of chance, base 32."""
    return _digits((now_ms & (1 << 48) - 1) << 80 | secrets.randbits(80))


def _digits(number: int) -> str:
    return "".join(_DIGITS[number >> shift & 31] for shift in range(5 * (_ID_LENGTH - 1), -1, -5))


def is_attempt_id(text: object) -> bool:
    """Tell whether this can be the name of an attempt, and thus part of a file's name."""
    return isinstance(text, str) and len(text) == _ID_LENGTH and _ALPHABET.issuperset(text)


def day_of(at_ms: int) -> str:
    """Return a moment's date in UTC, as 2026-11-22."""
    return time.strftime("%Y-%m-%d", time.gmtime(at_ms // 1000))


# --- rows

_encoder = msgspec.msgpack.Encoder(enc_hook=wire_encode_hook)
_decoder = msgspec.msgpack.Decoder(Attempt, ext_hook=wire_decode_hook)
_COLUMNS: Final = "id, key, state, cost, held, body, checksum"


def encode_attempt(attempt: Attempt) -> bytes:
    """Return the stored form of an attempt. Raises NodeError for what has none."""
    try:
        return _encoder.encode(attempt)
    except (OverflowError, ValueError, RecursionError) as error:  # as a record's
        raise NodeError(
            f"the request holds what cannot be kept: {error}",
            hint="numbers must fit 64 bits and text must be valid Unicode",
        ) from error


def decode_attempt(data: bytes) -> Attempt:
    """Read the stored form of an attempt; its manifest and request are plain data then. Raises `msgspec.DecodeError`."""
    try:
        return _decoder.decode(data)
    except MALFORMED as error:
        raise msgspec.DecodeError(str(error)) from error


def counted(attempt: Attempt) -> tuple[int, int]:
    """Return what an attempt counts for under a cap: (settled, reserved), in micro-USD."""
    bound = attempt.intent.reserved_microusd or 0
    if attempt.state in HOLDING:
        return 0, bound
    if attempt.state is _S.RELEASED:
        return 0, 0
    # Gone or given up is not free: it may have been charged.
    return (attempt.cost_microusd if attempt.cost_microusd is not None else bound), 0


def read_attempt(row: Sequence[Any]) -> Attempt:
    """Return the attempt of a row (`id, key, state, cost, held, body, checksum`). Raises StoreDamaged if it is not as it was written."""
    name, key, state, cost, held, body, check = row
    try:
        if checksum(name.encode(), key, body) == check:
            attempt = decode_attempt(body)
            if (attempt.id, attempt.key, attempt.state.value) == (name, key.hex(), state) and counted(attempt) == (
                cost,
                held,
            ):
                return attempt
    except (msgspec.DecodeError, ValueError, TypeError, AttributeError):
        pass  # the latter two: a damaged row may hold other types than its table
    raise StoreDamaged(
        f"the paid attempt {str(name)[:_ID_LENGTH]} is damaged in the journal",
        facts=[("attempt", str(name)[:64]), ("key", key.hex() if type(key) is bytes else "?")],
        hint="nothing is bought in its place; dagcontent store verify lists all damage",
    )


def add(connection: apsw.Connection, attempt: Attempt, *, logged: bool = False) -> Attempt:
    """Insert an attempt, and return it as it will be read. The database refuses a second one that blocks its key."""
    intent, body, key = attempt.intent, encode_attempt(attempt), bytes.fromhex(attempt.key)
    cost, held = counted(attempt)
    connection.execute(
        "INSERT INTO attempt (id, key, state, run, graph, instance, provider, realm, model, day, reserved, cost, held, cost_source,"
        " changed_ms, logged, body, checksum) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            intent.attempt, key, attempt.state.value, intent.run, intent.graph, intent.instance, intent.provider, intent.realm,
            intent.model, day_of(intent.at_ms), intent.reserved_microusd, cost, held, attempt.cost_source,
            attempt.changed_ms, int(logged), body, checksum(intent.attempt.encode(), key, body),
        ),
    )  # fmt: skip
    return decode_attempt(body)


def update(connection: apsw.Connection, attempt: Attempt, *, log: bool) -> Attempt:
    """Replace what changes in an attempt's row, and return it as it will be read; with `log` it goes to `paid.jsonl` again."""
    body = encode_attempt(attempt)
    cost, held = counted(attempt)
    connection.execute(
        "UPDATE attempt SET state = ?, cost = ?, held = ?, cost_source = ?, changed_ms = ?, body = ?, checksum = ?,"
        " logged = logged AND NOT ? WHERE id = ?",
        (
            attempt.state.value, cost, held, attempt.cost_source, attempt.changed_ms, body,
            checksum(attempt.id.encode(), bytes.fromhex(attempt.key), body), log, attempt.id,
        ),
    )  # fmt: skip
    return decode_attempt(body)


def step(connection: apsw.Connection, attempt_id: str, to: AttemptState, now_ms: int, **changes: Any) -> Attempt:
    """Take an attempt to another state. Raises InternalError if no way leads there, StoreDamaged."""
    attempt = get(connection, attempt_id)
    if attempt is None:
        raise InternalError(f"there is no paid attempt {attempt_id!r} in the store")
    if to not in ATTEMPT_TRANSITIONS[attempt.state]:
        raise InternalError(
            f"the paid attempt {attempt_id} is {attempt.state.value} and cannot become {to.value}",
            facts=[("attempt", attempt_id), ("key", attempt.key)],
        )
    cost = changes.get("cost_microusd")
    if cost is not None and cost < 0:
        raise InternalError(f"the paid attempt {attempt_id} cannot have cost {cost} micro-USD")
    changed = msgspec.structs.replace(attempt, state=to, changed_ms=now_ms, **changes)
    # What the spool holds is known from the spool; it is not worth a line.
    return update(connection, changed, log=to is not _S.SPOOLED)


def correct(connection: apsw.Connection, attempt_id: str, cost_microusd: int, source: str, now_ms: int) -> Attempt:
    """Put what a vendor told later in the place of a cost that nobody knew; state, result and all else stay.

    What was told first holds. Raises InternalError for an attempt that is open or free, StoreDamaged.
    """
    attempt = get(connection, attempt_id)
    if attempt is None:
        raise InternalError(f"there is no paid attempt {attempt_id!r} in the store")
    if attempt.state in HOLDING or attempt.state is _S.RELEASED or cost_microusd < 0 or source not in _TOLD:
        text = f"the cost of the paid attempt {attempt_id} ({attempt.state.value}) cannot become {cost_microusd} ({source})"
        raise InternalError(text)
    if attempt.cost_source in _TOLD:
        return attempt
    changed = msgspec.structs.replace(attempt, cost_microusd=cost_microusd, cost_source=source, changed_ms=now_ms)
    return update(connection, changed, log=True)


def update_logged(connection: apsw.Connection, ids: Sequence[str], *, logged: bool) -> None:
    """Note whether attempts are in `paid.jsonl`."""
    connection.executemany("UPDATE attempt SET logged = ? WHERE id = ?", [(int(logged), name) for name in ids])


def unlogged(connection: apsw.Connection) -> bool:
    """Tell whether an attempt's last step is not in `paid.jsonl` yet."""
    return bool(fetch(connection, "SELECT 1 FROM attempt WHERE logged = 0 LIMIT 1"))


# --- questions

_BLOCKING: Final = f"SELECT {_COLUMNS} FROM attempt WHERE key = ? AND state IN {BLOCKING_SQL}"  # noqa: S608 - constants of ours
_NEWEST: Final = f"SELECT {_COLUMNS} FROM attempt WHERE key = ? ORDER BY seq DESC"  # noqa: S608 - constants of ours
_GET: Final = f"SELECT {_COLUMNS} FROM attempt WHERE id = ?"  # noqa: S608 - constants of ours


def blocking(cursor: apsw.Cursor | apsw.Connection, key: bytes) -> Attempt | None:
    """Return the one attempt that keeps a key from being sent, or None. Raises StoreDamaged if it cannot be read."""
    rows: list[Any] = cursor.execute(_BLOCKING, (key,)).fetchall()
    return read_attempt(rows[0]) if rows else None


def refused(connection: apsw.Connection, key: bytes) -> Refusal | None:
    """Return why a key was refused, if that is what came of its last request; None while one stands open, and where one was
    paid for since. What was not sent, and what cannot be read, says nothing.
    """
    if connection.execute(_BLOCKING, (key,)).fetchall():
        return None
    for row in connection.execute(_NEWEST, (key,)).fetchall():
        try:
            attempt = read_attempt(row)
        except StoreDamaged:
            return None
        if attempt.state is not _S.RELEASED:
            return None
        if attempt.error_class in RECORDED:
            return Refusal(attempt.error_class, attempt.message)
    return None


def was_released(connection: apsw.Connection, key: bytes) -> bool:
    """Whether a request of a key came to nothing once: it may have been refused."""
    return bool(
        connection.execute("SELECT 1 FROM attempt WHERE key = ? AND state = 'released' LIMIT 1", (key,)).fetchall()
    )


def pass_over(connection: apsw.Connection, attempt: Attempt) -> None:
    """Add a released attempt, unless its key is known to be refused for the same reason."""
    known = refused(connection, bytes.fromhex(attempt.key))
    if known is None or known.error_class != attempt.error_class:
        add(connection, attempt)


def get(connection: apsw.Connection, attempt_id: str) -> Attempt | None:
    """Return an attempt, or None. Raises StoreDamaged."""
    rows = fetch(connection, _GET, (attempt_id,))
    return read_attempt(rows[0]) if rows else None


def listed(
    connection: apsw.Connection,
    states: Sequence[AttemptState] | None,
    *,
    graph: str | None,
    provider: str | None,
    run: str | None = None,
    key: str | None = None,
    since_ms: int | None = None,
    holding: Sequence[str] = (),
) -> list[Attempt]:
    """Return attempts, the oldest first; with `since_ms` those that changed then or later, with `holding` those in which all
    these texts stand somewhere. Raises StoreDamaged.
    """
    where = ["1"]
    values: list[apsw.SQLiteValue] = []
    if states is not None:
        where.append(f"state IN ({', '.join('?' * len(states))})")
        values += [state.value for state in states]
    for column, wanted in (("graph", graph), ("provider", provider), ("run", run)):
        if wanted is not None:
            where.append(f"{column} = ?")
            values.append(wanted)
    if key is not None:
        where.append("key = ?")
        values.append(bytes.fromhex(key))
    if since_ms is not None:
        where.append("changed_ms >= ?")
        values.append(since_ms)
    for text in holding:
        where.append("instr(body, ?)")
        values.append(text.encode())
    query = f"SELECT {_COLUMNS} FROM attempt WHERE {' AND '.join(where)} ORDER BY id"  # noqa: S608 - constants of ours
    return [read_attempt(row) for row in fetch(connection, query, tuple(values))]


def committed(connection: apsw.Connection, graph: str, instance: str, limit: int) -> list[str]:
    """Return the keys of an instance's committed attempts, newest first."""
    rows = fetch(
        connection,
        "SELECT key FROM attempt WHERE graph = ? AND instance = ? AND state = 'committed' ORDER BY seq DESC LIMIT ?",
        (graph, instance, limit),
    )
    return [row[0].hex() for row in rows]


def find_ids(connection: apsw.Connection, prefix: str, limit: int) -> list[str]:
    """Return the ids that begin so."""
    if not prefix or not _ALPHABET.issuperset(prefix):
        return []
    # "~" sorts behind every digit of an id.
    rows = fetch(
        connection, "SELECT id FROM attempt WHERE id >= ? AND id < ? ORDER BY id LIMIT ?", (prefix, prefix + "~", limit)
    )
    return [str(row[0]) for row in rows]


# --- the ledger

LEDGER_KEYS: Final = {
    "day": "day",
    "graph": "graph",
    "model": "provider || '/' || model",
    "node": "graph || char(10) || substr(instance, 1, instr(instance || '[', '[') - 1)",
    "provider": "provider",
    "run": "run",
}
"""What sums can be asked by, as SQL. A node is known by its graph and its name, with a line end between."""


class LedgerSum(msgspec.Struct, frozen=True):
    """Attempts that agree in what is asked by, their provider, their state and how their cost is known, summed.

    `unbounded` are those whose bound nobody knows. What counts is told by `counted`.
    """

    key: str
    provider: str
    state: str
    source: str
    attempts: int
    cost: int
    held: int
    unbounded: int


def ledger(
    connection: apsw.Connection,
    by: str,
    *,
    since_day: str = "",
    since_ms: int = 0,
    graph: str | None = None,
    runs: Sequence[str] | None = None,
) -> list[LedgerSum]:
    """Return the sums of all attempts, or of those of some `runs`, by one of LEDGER_KEYS. One pass over columns: no body is read.

    `since_day` is a date in UTC, as 2026-11-22; `since_ms` a moment, which is told by the attempts' ids.
    """
    mine = "" if runs is None else f" AND run IN ({', '.join('?' * len(runs))})"
    query = (
        f"SELECT {LEDGER_KEYS[by]} AS k, provider, state, cost_source, count(*), sum(cost), sum(held), sum(reserved IS NULL)"  # noqa: S608 - constants of ours
        " FROM attempt WHERE day >= ? AND id >= ? AND (?3 IS NULL OR graph = ?3)"
        f"{mine} GROUP BY k, provider, state, cost_source"
    )
    first = _digits(since_ms << 80)[:_TIME_DIGITS] if since_ms > 0 else ""
    return [LedgerSum(*row) for row in fetch(connection, query, (since_day, first, graph, *(runs or ())))]
