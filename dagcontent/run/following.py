"""A job's id into its result, and a lost answer into the job it started, if it did. Knows no vendor and no store.

Polling is free and goes on across restarts: nothing here fails because it takes long. A request whose answer was lost is
looked for in the vendor's list until it must be there; only then, and only if the list shows none, it never was.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from dagcontent.errors import AttemptDetached, AttemptUnresolved, DagcontentError, NodeError, ProviderError
from dagcontent.providers.port import Bounds, Call, ErrorClass, Failure, Listed, Recovery, Result, Waiting
from dagcontent.run.finishing import charge, fetch, finish, gone
from dagcontent.run.order import Desk, Order, refusal
from dagcontent.run.paid_ports import ResultGone
from dagcontent.values.attempt import Handle, Intent
from dagcontent.values.record import Record

__all__ = ["follow", "reconcile"]

_SLOWER = 1.3
_STOPS = frozenset({ErrorClass.AUTH, ErrorClass.QUOTA, ErrorClass.INVALID})
_NO_LIST = frozenset({ErrorClass.NOT_FOUND, ErrorClass.GONE})
_GARBLED_MOST = 8  # answers in a row that cannot be understood, before a vendor is believed to have changed
_SKEW_MS = 600_000  # a vendor's clock against ours: what is not seen for a wrong clock would be bought again
_LISTED_MS = 7 * 86_400_000  # nobody promises that a list goes back further
_PASSING = frozenset({ErrorClass.TRANSIENT, ErrorClass.RATE_LIMIT, ErrorClass.CONCURRENCY})


class _NotAsked(msgspec.Struct, frozen=True):
    """Why a vendor could not be asked. `passing`: it may be, later; otherwise not without somebody doing something."""

    reason: str
    passing: bool


async def follow(desk: Desk, order: Order, call: Call, handle: Handle, intent: Intent) -> Record:
    """Poll a job to its end. Raises AttemptDetached when the build stops first; NodeError when it failed or is gone."""
    began_ms = intent.at_ms
    bounds = desk.bounds(desk.operation_of(call))
    pause = bounds.poll_s
    garbled = 0
    silence = _Silence(desk)
    while True:
        found = await _asked(desk, call, handle)
        if isinstance(found, _NotAsked):
            desk.stage(order, silence.of(found.reason), None)
            garbled += not found.passing
            if garbled >= _GARBLED_MOST:
                text = f"{found.reason}; the job was sent and is not lost"
                raise AttemptDetached(text, facts=[("attempt", call.attempt)], hint="build again later")
        else:
            garbled = 0
            silence = _Silence(desk)
        early = _too_early(found, desk.clock.now_ms() - began_ms, bounds)
        if isinstance(found, Failure) and found.error_class is ErrorClass.GONE and not desk.knows(intent.account):
            text = f"{call.provider} does not know this job under this key; it was sent with another key"
            hint = f"set the key that it was sent with, or: dagcontent jobs abandon {call.attempt}"
            raise AttemptDetached(text, facts=[("attempt", call.attempt)], hint=hint)
        if isinstance(found, Result):
            try:
                spool = await fetch(desk, order, call, found)
            except ResultGone:
                raise await gone(desk, order, call) from None
            await desk.journal.spooled(call.attempt, spool)
            desk.crashpoint("paid.spooled")
            return await finish(desk, order, call, spool, began_ms=began_ms)
        if isinstance(found, Failure) and not early:
            raise await _ended(desk, order, call, found, began_ms=began_ms)
        if isinstance(found, Waiting):
            desk.stage(order, found.stage, found.position)
        if desk.leaves(order):
            stands = silence.of(found.reason) if isinstance(found, _NotAsked) else "goes on with it"
            raise AttemptDetached(
                f"{call.provider} {stands}; it was sent and is not lost", facts=[("attempt", call.attempt)],
                hint="build again: it is found by its id and not paid again",
            )  # fmt: skip
        await desk.clock.sleep(pause)
        pause = min(pause * _SLOWER, bounds.poll_most_s)


class _Silence:
    """For how long a vendor could not be asked, in words."""

    def __init__(self, desk: Desk) -> None:
        self._clock = desk.clock
        self._since_ms: int | None = None

    def of(self, reason: str) -> str:
        """Return what to say while it cannot be asked, for this reason now."""
        now_ms = self._clock.now_ms()
        if self._since_ms is None:
            self._since_ms = now_ms
        minutes = (now_ms - self._since_ms) // 60_000
        return f"cannot be asked{f' for {minutes} min' if minutes else ''}: {reason}"


def _too_early(found: object, age_ms: int, bounds: Bounds) -> bool:
    """Whether a vendor does not know a job that it may still be registering."""
    return isinstance(found, Failure) and found.error_class is ErrorClass.GONE and age_ms < bounds.inflight_s * 1000


async def _asked(desk: Desk, call: Call, handle: Handle) -> Waiting | Result | Failure | _NotAsked:
    """Ask once."""
    desk.crashpoint("paid.poll")
    try:
        return await desk.adapter.poll(call, handle)
    except ProviderError as error:
        return _NotAsked(error.message, passing=False)
    except DagcontentError:
        raise
    except Exception as error:
        fault = desk.adapter.fault(error)
        if fault is None:
            raise
        if fault.error_class is ErrorClass.GONE:
            return fault
        if fault.error_class in _STOPS:
            # The job is not at fault, and stays on the journal.
            said = refusal(call.provider, fault)
            text = f"{said.message}; the job was sent and is not lost"
            raise AttemptDetached(text, facts=[("attempt", call.attempt), *said.facts], hint=said.hint) from error
        return _NotAsked(fault.message, passing=fault.error_class in _PASSING)


async def _ended(desk: Desk, order: Order, call: Call, failure: Failure, *, began_ms: int) -> NodeError:
    """Settle a job that failed, as the vendor's complete answer says; return what to raise."""
    if failure.error_class is ErrorClass.GONE:
        return await gone(desk, order, call)
    if failure.billed is False:
        await desk.journal.release(call.attempt, failure.error_class.value, failure.message)
        desk.vault.forget(call.attempt)
        return refusal(call.provider, failure)
    return await charge(desk, order, call, failure, began_ms=began_ms)


async def reconcile(
    desk: Desk, order: Order, call: Call, intent: Intent, why: str, *, taken: bool = False
) -> Record | None:
    """Find out what became of a request that left, or may have, and whose answer is lost. `taken`: its vendor said it took it.

    Returns the record of the job that it started, or None once it is certain that it never was: then it may be sent. Raises
    AttemptUnresolved where nobody can tell.
    """
    operation = desk.operation_of(call)
    if operation.recovery is Recovery.ASK:
        raise await _unresolved(desk, call, intent, f"{why}; {operation.window}")
    bounds = desk.bounds(operation)
    settled_ms = intent.send_by_ms + int((bounds.inflight_s + bounds.list_lag_s) * 1000)
    pause = bounds.poll_s
    garbled = 0
    silence = _Silence(desk)
    while True:
        asked_ms = desk.clock.now_ms()
        listed = await _listed(desk, call, intent, asked_ms)
        stage = "looks for a lost answer"
        if isinstance(listed, Failure):
            stage = silence.of(listed.message)
            # A list that is not kept, or empty where nothing was ever listed, proves nothing.
            garbled += listed.error_class is ErrorClass.UNKNOWN
            proves_nothing = listed.error_class in _NO_LIST or garbled >= _GARBLED_MOST
            if asked_ms > settled_ms and proves_nothing:
                raise await _unresolved(desk, call, intent, f"{why}; {listed.message}")
        else:
            silence = _Silence(desk)
            if len(listed) == 1 and await desk.journal.adopt(call.attempt, listed[0].handle):
                desk.crashpoint("paid.adopted")
                return await follow(desk, order, call, listed[0].handle, intent)
            if len(listed) > 1:
                raise await _unresolved(
                    desk, call, intent, f"{why}; {call.provider} lists {len(listed)} jobs that could be it"
                )
            if not listed and asked_ms > settled_ms:
                doubt = _doubt(desk, call, intent, asked_ms, taken=taken)
                if doubt:
                    raise await _unresolved(desk, call, intent, f"{why}; {doubt}")
                await desk.journal.release(call.attempt, "never-happened", f"{why}; the vendor's list shows none")
                desk.vault.forget(call.attempt)
                desk.crashpoint("paid.never-happened")
                return None
        if desk.leaves(order):
            known = f"whether {call.provider} took it is known in {max(1, (settled_ms - asked_ms) // 1000)} s"
            text = f"{why}; {known if not isinstance(listed, Failure) else f'{call.provider} {stage}'}"
            raise AttemptDetached(
                text, facts=[("attempt", call.attempt)], hint="build again: it is looked for, not sent again"
            )
        desk.stage(order, stage, None)
        await desk.clock.sleep(pause)
        pause = min(pause * _SLOWER, bounds.poll_most_s)


def _doubt(desk: Desk, call: Call, intent: Intent, asked_ms: int, *, taken: bool) -> str:
    """Return why a list that does not show a request is no proof that it never was; empty if it is one."""
    if taken:
        return f"{call.provider} took it, and its list does not show it"
    if not desk.knows(intent.account):
        return f"{call.provider}'s list was read with another key than it was sent with"
    if asked_ms - intent.at_ms > _LISTED_MS:
        return f"it is too long ago for {call.provider}'s list to tell"
    return ""


async def _listed(desk: Desk, call: Call, intent: Intent, now_ms: int) -> Sequence[Listed] | Failure:
    """Return the vendor's jobs that could be this request and are nobody's yet, or why it could not be asked."""
    desk.crashpoint("paid.find")
    try:
        found = await desk.adapter.find(call, intent.payload_digest, intent.at_ms - _SKEW_MS, now_ms + _SKEW_MS)
    except ProviderError as error:
        return Failure(ErrorClass.UNKNOWN, error.message)
    except DagcontentError:
        raise
    except Exception as error:
        fault = desk.adapter.fault(error)
        if fault is None:
            raise
        if fault.error_class in _STOPS:
            # The request is not at fault: it stays on the journal, and is looked for again.
            said = refusal(call.provider, fault)
            text = f"an answer was lost, and {call.provider}'s list cannot be read: {said.message}"
            raise AttemptDetached(text, facts=[("attempt", call.attempt), *said.facts], hint=said.hint) from error
        return fault
    free = [one for one in found if not desk.journal.knows(call.provider, one.handle, call.attempt)]
    if found and not free and not any(one.exact for one in found):
        # One of them may be ours, and ours another's: that none is free does not say that ours never was.
        return Failure(ErrorClass.GONE, "its list shows requests that are the same to the letter, and others have them")
    exact = [one for one in free if one.exact]
    return exact or free


async def _unresolved(desk: Desk, call: Call, intent: Intent, why: str) -> AttemptUnresolved:
    await desk.journal.unresolve(call.attempt, why)
    most = "" if intent.reserved_microusd is None else f", up to ${intent.reserved_microusd / 1e6:g}"
    return AttemptUnresolved(
        f"sent to {call.provider}{most}, and nobody can tell what became of it: {why}",
        facts=[("attempt", call.attempt)],
        hint=f"dagcontent jobs retry {call.attempt} sends it again; jobs abandon {call.attempt} leaves it",
    )
