"""What a paid attempt asks of the outside: journal, spool, time, limits, bytes. Knows no implementation.

Everything that waits is awaited here and nowhere else, so that an attempt can be run under simulated time.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

import msgspec

from dagcontent.providers.port import Files, Part
from dagcontent.values.attempt import Attempt, Handle, Intent
from dagcontent.values.record import Record
from dagcontent.values.value import Blob

__all__ = ["Clock", "Journal", "Limits", "Payment", "ResultGone", "SpoolFile", "Vault"]


class ResultGone(Exception):  # noqa: N818 - a state, and policy of ours: what was paid for is kept no longer
    """A vendor does not keep a result any more."""


class Payment(msgspec.Struct, frozen=True):
    """What an attempt cost. `source`: "reported", "computed", "estimated" or "unknown".

    `doubt` says what of the vendor's own report is not believed, if something is not.
    """

    microusd: int
    source: str
    doubt: str = ""


class Journal(Protocol):
    """The durable story of attempts. Every awaited method returns once its transaction is on disk."""

    def blocking(self, key: str) -> Attempt | None:
        """Return the attempt that keeps a key from being sent again."""
        ...

    def knows(self, provider: str, handle: Handle, attempt: str) -> bool:
        """Whether another attempt than this one has this job already, or had its answer."""
        ...

    async def intend(self, intent: Intent, *, again: bool) -> None:
        """Claim checked, budget checked, reserved, written: one transaction. Raises OverBudget, NodeError.

        `again`: although there is a record, whose bytes are gone.
        """
        ...

    async def answered(self, attempt: str, answer: Mapping[str, Any]) -> None:
        """Write down status and headers of an answer that is being read."""
        ...

    async def adopt(self, attempt: str, handle: Handle) -> bool:
        """Write down the id of a job that was found, or answered; False if another attempt has it: then nothing is written."""
        ...

    async def spooled(self, attempt: str, spool: Mapping[str, Any]) -> None:
        """Write down that the whole result lies in the spool, and how it is made of its files."""
        ...

    async def commit(self, attempt: str, record: Record, payment: Payment, *, again: bool) -> Record:
        """Record and settle in one transaction. Returns the record that holds: the first of its key.

        With `again` it takes the place of one whose bytes are gone.
        """
        ...

    async def charge(self, attempt: str, record: Record, payment: Payment) -> None:
        """Record a failure that was paid for, and settle."""
        ...

    async def release(self, attempt: str, error_class: str, message: str) -> None:
        """End an attempt that cost nothing."""
        ...

    def release_soon(self, attempt: str, error_class: str, message: str) -> None:
        """Do as `release` does, without waiting for it."""
        ...

    async def unresolve(self, attempt: str, message: str) -> None:
        """Leave an attempt to a person: its reservation stays."""
        ...

    async def expire(self, attempt: str, message: str) -> None:
        """Write down that a vendor keeps the result no longer."""
        ...

    async def take_over(self, attempt: str) -> None:
        """Write down that this run goes on with what a dead one left."""
        ...

    async def supersede(self, attempt: str) -> None:
        """Let a key be sent again: a person said so."""
        ...


class SpoolFile(Protocol):
    """A file that is being filled."""

    path: Path

    def write(self, data: bytes) -> None:
        """Append."""
        ...

    def truncate(self) -> None:
        """Begin anew."""
        ...


class Vault(Protocol):
    """Where bytes lie: the spool until they are kept, the CAS afterwards."""

    @property
    def files(self) -> Files:
        """The inputs of calls."""
        ...

    def open(self, attempt: str, name: str) -> SpoolFile:
        """Return a new or emptied file of the spool."""
        ...

    async def sync(self, file: SpoolFile) -> None:
        """Close a file and make its bytes and name durable."""
        ...

    async def seal(self, file: SpoolFile, said: Mapping[str, Any], sha256: str) -> None:
        """As `sync`, and write down that the file is whole: its digest, and what came with it."""
        ...

    async def sealed(self, attempt: str, name: str) -> tuple[Mapping[str, Any], bytes] | None:
        """Return what came with a file, and its bytes, if it was sealed and is still what it was then."""
        ...

    async def read(self, attempt: str, name: str) -> bytes | None:
        """Return a file of the spool; None if it is not there."""
        ...

    async def fetch(self, part: Part, provider: str, file: SpoolFile) -> None:
        """Fetch an artifact into a file. Raises NodeError (`retry` says whether later may help), ResultGone."""
        ...

    async def keep(self, attempt: str, name: str, type: str, facts: Mapping[str, Any]) -> Blob:  # noqa: A002 - the design's word
        """Look at a spooled file, measure it, put it into the CAS durably. Raises NodeError for one that is unusable;
        AttemptDetached where it cannot be looked at now; ResultGone if it is not there.
        """
        ...

    async def keep_raw(self, attempt: str) -> Mapping[str, str]:
        """Put all that an attempt has in the spool into the CAS as it is: file -> digest. What was paid for is kept."""
        ...

    def forget(self, attempt: str) -> None:
        """Remove what an attempt left in the spool. Call it when its record is durable."""
        ...


class Clock(Protocol):
    """Time, and being told to stop."""

    def now_ms(self) -> int:
        """Return the time of day in ms."""
        ...

    @property
    def stopping(self) -> bool:
        """Whether the build was told to stop: nothing new is sent, no job is waited for."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait; shorter when told to stop."""
        ...


class Limits(Protocol):
    """How much a vendor's account may do at once and a minute, over all processes of this machine."""

    async def enter(self, account: str) -> object:
        """Wait for a slot; give it back through `leave`. Raises AttemptDetached when told to stop."""
        ...

    def leave(self, slot: object) -> None:
        """Give a slot back."""
        ...

    async def pace(self, account: str) -> None:
        """Wait until one more request may be sent this minute."""
        ...

    def hold(self, account: str, seconds: float) -> None:
        """Let nobody send for a while."""
        ...

    def learn(self, account: str, headers: Mapping[str, str]) -> None:
        """Take limits from a vendor's headers."""
        ...
