"""Charges into synced lines of a file. Knows no vendor: what was charged is charged, whatever becomes of the answer.

Charges that come together share one sync; each waits for its own line to be on disk.
"""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Sequence
from pathlib import Path

import msgspec

__all__ = ["Charge", "ChargeLedger", "read_ledger", "standing"]


class Charge(msgspec.Struct, frozen=True, kw_only=True):
    """One line. `at` in ms since 1970; `body` is the SHA-256 of the request's body; money in micro-USD, or units.

    `refunds` is the job whose charge this line takes back; empty for a charge.
    """

    at: int
    vendor: str
    operation: str
    model: str
    job: str = ""
    marker: str = ""
    body: str = ""
    microusd: int | None = None
    units: float | None = None
    unit: str = ""
    refunds: str = ""


class ChargeLedger:
    """The file, and the same charges in memory. `None` keeps no file."""

    def __init__(self, path: Path | None) -> None:
        self.charges: list[Charge] = read_ledger(path) if path is not None else []
        self._file: int | None = None
        if path is not None:
            self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
            folder = os.open(path.parent, os.O_RDONLY | os.O_CLOEXEC)
            os.fsync(folder)
            os.close(folder)
        self._waiting: list[tuple[Charge, asyncio.Future[None]]] = []
        self._flushing: asyncio.Task[None] | None = None

    async def note(self, charge: Charge) -> None:
        """Return when the charge is on disk."""
        noted: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((charge, noted))
        if self._flushing is None or self._flushing.done():
            self._flushing = asyncio.create_task(self._flush())
        await noted

    def clear(self) -> None:
        """Forget every charge, on disk too."""
        self.charges.clear()
        if self._file is not None:
            os.ftruncate(self._file, 0)

    async def _flush(self) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting, []
            lines = b"".join(msgspec.json.encode(charge) + b"\n" for charge, _ in batch)
            await asyncio.to_thread(self._write, lines)
            for charge, noted in batch:
                self.charges.append(charge)
                noted.set_result(None)

    def _write(self, lines: bytes) -> None:
        if self._file is not None:
            os.write(self._file, lines)
            os.fsync(self._file)


def read_ledger(path: Path) -> list[Charge]:
    """Return the charges of a file, without a last line that a crash cut off; none if there is no file."""
    if not path.exists():
        return []
    whole = path.read_bytes().rpartition(b"\n")[0]
    return [msgspec.convert(json.loads(line), Charge) for line in whole.splitlines()]


def standing(lines: Sequence[Charge]) -> list[Charge]:
    """Return the charges that were not taken back."""
    back = {line.refunds for line in lines if line.refunds}
    return [line for line in lines if not line.refunds and (not line.job or line.job not in back)]
