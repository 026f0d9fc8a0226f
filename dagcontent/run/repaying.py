"""A result that was paid for and whose bytes are gone into those bytes, where the vendor still has them. Buys nothing."""

from __future__ import annotations

import contextlib
from typing import Protocol

from dagcontent.errors import DagcontentError
from dagcontent.providers.port import Call, Result
from dagcontent.run.finishing import fetch
from dagcontent.run.order import Desk, Order
from dagcontent.run.paid_ports import ResultGone
from dagcontent.values.attempt import Attempt
from dagcontent.values.record import Done, Record
from dagcontent.values.value import blobs_in

__all__ = ["Standing", "fetched_again"]


class Standing(Protocol):
    """What is known of a key that has no usable record."""

    @property
    def state(self) -> str:
        """How it stands: "repay" if it was paid for and its bytes are gone."""
        ...

    @property
    def record(self) -> Record | None:
        """The record whose bytes are gone."""
        ...

    @property
    def attempt(self) -> Attempt | None:
        """The attempt that paid."""
        ...


async def fetched_again(desk: Desk, order: Order, standing: Standing) -> Record | None:
    """Fetch a lost result by its job's id; None if the vendor has it no longer, or what it has is something else."""
    attempt, record = standing.attempt, standing.record
    if attempt is None or attempt.handle is None or record is None or not isinstance(record.outcome, Done):
        return None
    call = Call(**attempt.intent.request)
    with contextlib.suppress(DagcontentError, ResultGone):
        try:
            found = await desk.adapter.poll(call, attempt.handle)
        except DagcontentError:
            raise
        except Exception as error:
            if desk.adapter.fault(error) is None:
                raise
            return None
        if not isinstance(found, Result):
            return None
        spool = await fetch(desk, order, call, found)
        kept = [await desk.vault.keep(call.attempt, row["file"], call.output, row["facts"]) for row in spool["parts"]]
        desk.vault.forget(call.attempt)
        wanted = list(blobs_in(record.outcome.value))
        if {blob.digest for blob in wanted} <= {blob.digest for blob in kept}:
            return record
    return None
