"""Jobs that vendors are at work on, in memory: from a submission to a result. Knows no wire format.

A job runs for as long as the settings say, whatever its work takes; it is done when both are over.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import Any

__all__ = ["Job", "Jobs"]


class Job:
    """One job. `failure` is what its result is answered with when it fails; `about` is its vendor's own."""

    def __init__(self, id: str, vendor: str, model: str, payload: Any, *, at_ms: int, **about: Any) -> None:  # noqa: A002 - the field's word
        self.id = id
        self.vendor = vendor
        self.model = model
        self.payload = payload
        self.at_ms = at_ms
        self.about = about
        self.result: Any = None
        self.failure: Any = None
        self.cancelled = False
        self._work: asyncio.Task[None] | None = None
        self._begun = asyncio.get_running_loop().time()
        self._queued_s = self._runs_s = 0.0
        self._hidden_s = 0.0

    def start(self, work: Awaitable[Any], *, queued_s: float, runs_s: float, hidden_s: float = 0.0) -> None:
        """Begin: a while in the queue, a while at work; not listed at first."""
        self._queued_s, self._runs_s, self._hidden_s = queued_s, queued_s + runs_s, hidden_s
        self._work = asyncio.create_task(self._finish(work))

    @property
    def stage(self) -> str:
        """One of "queued", "running", "done", "cancelled"."""
        if self.cancelled:
            return "cancelled"
        age = self._age()
        if age < self._queued_s:
            return "queued"
        return "done" if age >= self._runs_s and self._work is not None and self._work.done() else "running"

    @property
    def listed(self) -> bool:
        """Whether its vendor's list shows it yet."""
        return self._age() >= self._hidden_s

    @property
    def runs_s(self) -> float:
        """How long it takes, from the submission on."""
        return self._runs_s

    async def wait_done(self) -> None:
        """Return when the job is done, or cancelled."""
        if self._work is not None and not self.cancelled:
            await asyncio.sleep(max(0.0, self._runs_s - self._age()))
            await self._work

    async def _finish(self, work: Awaitable[Any]) -> None:
        self.result = await work

    def _age(self) -> float:
        return asyncio.get_running_loop().time() - self._begun


class Jobs:
    """The jobs of every vendor."""

    def __init__(self) -> None:
        self._all: list[Job] = []

    def add(self, job: Job) -> None:
        """Keep a job."""
        self._all.append(job)

    def find(self, vendor: str, id: str) -> Job | None:  # noqa: A002 - the field's word
        """Return the newest job of an id, or None."""
        return next((job for job in reversed(self._all) if (job.vendor, job.id) == (vendor, id)), None)

    def last(self, vendor: str) -> Job | None:
        """Return a vendor's newest job, or None."""
        return next((job for job in reversed(self._all) if job.vendor == vendor), None)

    def listed(self, vendor: str) -> list[Job]:
        """Return what a vendor's list shows, newest first."""
        return [job for job in reversed(self._all) if job.vendor == vendor and job.listed]

    def clear(self) -> None:
        """Forget every job."""
        self._all.clear()
