"""A result that was paid for and whose bytes are gone into those bytes, where the vendor still has them. Buys nothing."""

from __future__ import annotations

from typing import Protocol

from dagcontent.errors import AttemptDetached, DagcontentError, NodeError, ProviderError
from dagcontent.providers.port import Call, ErrorClass, Result
from dagcontent.run.finishing import fetch
from dagcontent.run.order import Desk, Order, refusal
from dagcontent.run.paid_ports import ResultGone
from dagcontent.values.attempt import Attempt, Handle
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
    """Fetch a lost result by its job's id; None if the vendor has it no longer, or what it has is something else.

    Raises NodeError where it cannot be asked now: that it is gone is not said by silence, and nothing is bought on it.
    """
    attempt, record = standing.attempt, standing.record
    if attempt is None or attempt.handle is None or record is None or not isinstance(record.outcome, Done):
        return None
    call = Call(**attempt.intent.request)
    found = await _asked(desk, call, attempt.handle)
    if not isinstance(found, Result):
        return None
    try:
        spool = await fetch(desk, order, call, found)
        kept = [await desk.vault.keep(call.attempt, row["file"], call.output, row["facts"]) for row in spool["parts"]]
    except ResultGone:
        return None
    except NodeError as error:
        if error.retry or isinstance(error, AttemptDetached):
            raise
        return None
    finally:
        desk.vault.forget(call.attempt)
    wanted = list(blobs_in(record.outcome.value))
    return record if {blob.digest for blob in wanted} <= {blob.digest for blob in kept} else None


async def _asked(desk: Desk, call: Call, handle: Handle) -> object:
    """Return what a vendor has of a job that was done; None if that is nothing, or nothing that can be understood."""
    try:
        return await desk.adapter.poll(call, handle)
    except ProviderError:
        return None
    except DagcontentError:
        raise
    except Exception as error:
        fault = desk.adapter.fault(error)
        if fault is None:
            raise
        if fault.error_class in {ErrorClass.GONE, ErrorClass.NOT_FOUND}:
            return None
        said = refusal(call.provider, fault)
        text = f"its bytes are gone, and they cannot be fetched again now: {said.message}"
        raise NodeError(text, hint=said.hint, retry=said.retry) from error
