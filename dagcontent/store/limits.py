"""Turn a vendor's limits on one account into slots and moments that all processes of a machine share. Knows no vendor.

    limits/ACCOUNT/slot-N      flocked by whoever has one of N requests under way
    limits/ACCOUNT/ticket-...  flocked by a process that waits for a slot
    limits/ACCOUNT/state       JSON: the next free moment, a hold, what the vendor said its limits are
    limits/ACCOUNT/lock        flocked while the state is changed

The kernel frees a lock whatever ends its process, so there is nothing to clean up. Nothing here waits: who gets no slot asks again.
Rates are spaced evenly (GCRA without a burst): a moment that was given to one process is given to no other.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import secrets
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import msgspec

from dagcontent.store.disk import OPEN_SAFELY, store_error

__all__ = ["Limits", "Slot"]

_MINUTE_S: Final = 60.0
_HOLD_MOST_S: Final = 86_400.0
_CLOCK_BACK_S: Final = 5.0
_TICKET: Final = "ticket-"


class Slot:
    """The right to have one request under way."""

    __slots__ = ("_descriptor", "_limits", "account")

    def __init__(self, limits: Limits, account: str, descriptor: int) -> None:
        self.account = account
        self._limits = limits
        self._descriptor = descriptor

    def release(self) -> None:
        """Give the slot back. May be called twice; the end of the process does it too."""
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            os.close(descriptor)
            self._limits.gone(self.account)


class _State(msgspec.Struct):
    free_at_s: float = 0.0
    hold_until_s: float = 0.0
    seen_s: float = 0.0
    concurrency: int | None = None
    per_minute: float | None = None


_decoder = msgspec.json.Decoder(_State)


class Limits:
    """What accounts allow. Safe for several threads; every process makes its own over the same folder. Raises StoreError."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._mutex = threading.Lock()
        self._mine: dict[str, int] = {}
        self._tickets: dict[str, tuple[Path, int]] = {}

    def try_slot(self, account: str, most: int) -> Slot | None:
        """Take one of `most` slots, fewer if the vendor said so; None if all are taken, or if others wait and we have our share.

        With W other processes waiting, a process takes no more than its part of all slots, rounded up: most / (W + 1).
        """
        with self._mutex, self._mapped():
            place = self._place(account)
            learned = self._read(place).concurrency
            limit = max(1, most if learned is None else min(most, learned))
            waiting = self._waiting(account, place)
            mine = self._mine.get(account, 0)
            descriptor = -1 if waiting and mine >= -(-limit // (waiting + 1)) else _take(place, limit)
            if descriptor < 0:
                self._queue(account, place)
                return None
            self._unqueue(account)
            self._mine[account] = mine + 1
            return Slot(self, account, descriptor)

    def gone(self, account: str) -> None:
        """Count a slot that was given back. For `Slot`."""
        with self._mutex:
            self._mine[account] -= 1

    def next_at(self, account: str, per_minute: float | None, now_s: float) -> float:
        """Reserve the next moment at which a request may be sent, and return it, in seconds of the clock of `now_s`."""
        with self._mapped(), self._changing(account) as state:
            if now_s < state.seen_s - _CLOCK_BACK_S:
                state.free_at_s = state.hold_until_s = 0.0  # of a clock that was wrong
            state.seen_s = now_s
            rates = [rate for rate in (per_minute, state.per_minute) if rate is not None and rate > 0]
            hold = state.hold_until_s if state.hold_until_s <= now_s + _HOLD_MOST_S else 0.0
            at_s = max(now_s, hold)
            if rates:
                at_s = max(at_s, state.free_at_s)
                state.free_at_s = at_s + _MINUTE_S / min(rates)
            return at_s

    def hold(self, account: str, until_s: float) -> None:
        """Let nobody send until then (a vendor's Retry-After). A hold is never shortened; one of more than a day is not believed."""
        with self._mapped(), self._changing(account) as state:
            state.hold_until_s = max(state.hold_until_s, until_s)

    def held_until(self, account: str) -> float:
        """Return the end of the last hold; 0 if there was none. For those who were given a moment before it."""
        with self._mapped():
            return self._read(self._place(account)).hold_until_s

    def learn(self, account: str, *, concurrency: int | None = None, per_minute: float | None = None) -> None:
        """Keep what a vendor said its limits are; they hold beside the configured ones, the smaller counts."""
        place = self._place(account)
        with self._mapped():
            known = self._read(place)
            if (known.concurrency, known.per_minute) == (
                concurrency if concurrency is not None else known.concurrency,
                per_minute if per_minute is not None else known.per_minute,
            ):
                return
            with self._changing(account) as state:
                state.concurrency = concurrency if concurrency is not None else state.concurrency
                state.per_minute = per_minute if per_minute is not None else state.per_minute

    def close(self) -> None:
        """Stop waiting. Slots are their holders' to give back."""
        with self._mutex:
            for account in list(self._tickets):
                self._unqueue(account)

    # --- inside

    @contextlib.contextmanager
    def _mapped(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise store_error(error, self._folder) from error

    def _place(self, account: str) -> Path:
        # The account may say something of a key; a path must not.
        return self._folder / hashlib.sha256(account.encode("utf-8", "surrogateescape")).hexdigest()[:32]

    def _waiting(self, account: str, place: Path) -> int:
        own = self._tickets.get(account)
        count = 0
        try:
            names = os.listdir(place)
        except FileNotFoundError:
            place.mkdir(mode=0o700, exist_ok=True)
            return 0
        for name in names:
            if name.startswith(_TICKET) and (own is None or name != own[0].name):
                count += _is_held(place / name)
        return count

    def _queue(self, account: str, place: Path) -> None:
        if account in self._tickets:
            return
        # It gets its name when it is locked: nobody takes it for a dead one's.
        part, path = place / f"new-{secrets.token_hex(8)}", place / f"{_TICKET}{secrets.token_hex(8)}"
        descriptor = os.open(part, os.O_RDWR | os.O_CREAT | os.O_EXCL | OPEN_SAFELY, 0o600)
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        part.rename(path)
        self._tickets[account] = (path, descriptor)

    def _unqueue(self, account: str) -> None:
        ticket = self._tickets.pop(account, None)
        if ticket is not None:
            with contextlib.suppress(OSError):
                ticket[0].unlink()
            os.close(ticket[1])

    @staticmethod
    def _read(place: Path) -> _State:
        try:
            with os.fdopen(os.open(place / "state", os.O_RDONLY | OPEN_SAFELY), "rb") as file:
                return _decoder.decode(file.read())
        except (FileNotFoundError, msgspec.DecodeError):
            return _State()

    @contextlib.contextmanager
    def _changing(self, account: str) -> Iterator[_State]:
        place = self._place(account)
        place.mkdir(mode=0o700, exist_ok=True)
        lock = os.open(place / "lock", os.O_RDWR | os.O_CREAT | OPEN_SAFELY, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            state = self._read(place)
            yield state
            part = place / "state-new"  # ours alone while we hold the lock
            flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | OPEN_SAFELY
            with os.fdopen(os.open(part, flags, 0o600), "wb") as file:
                file.write(msgspec.json.encode(state))
            part.replace(place / "state")
        finally:
            os.close(lock)


def _take(place: Path, limit: int) -> int:
    """Lock a free slot and return its descriptor; -1 if there is none."""
    for number in range(limit):
        descriptor = os.open(place / f"slot-{number}", os.O_RDWR | os.O_CREAT | OPEN_SAFELY, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
        else:
            return descriptor
    return -1


def _is_held(ticket: Path) -> bool:
    try:
        descriptor = os.open(ticket, os.O_RDONLY | OPEN_SAFELY)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    with contextlib.suppress(OSError):
        ticket.unlink()
    return False
