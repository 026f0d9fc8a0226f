"""An order into a record, paid for at most once: the one door for all spending. Knows no vendor, no store, no clock.

    slot, rate -> prepare -> connect -> [intent durable] -> one send -> headers, body to the spool -> sealed -> read
        -> a job: its id durable, then `following`            -> a result: `finishing`
        -> refused and unbilled: released; perhaps again      -> nobody can tell: `reconciling`

What happened is read from how far the gate let the request go, never from the exception that came out of it. An attempt
that is cut off at any point leaves its intent; whoever comes next goes on from what is written.
"""

from __future__ import annotations

import contextlib
import hashlib
import re
from collections.abc import Callable, Mapping

import msgspec

from dagcontent.errors import (
    AttemptDetached,
    AttemptUnresolved,
    DagcontentError,
    InternalError,
    NodeError,
    ProviderError,
    StoreError,
)
from dagcontent.providers.once import Sending, decoded, sending
from dagcontent.providers.port import Answer, Bounds, Call, ErrorClass, Failure, Operation, Result, payload_digest
from dagcontent.providers.secret import redact
from dagcontent.run.events import AWAITS
from dagcontent.run.finishing import charge, finish, finish_answer
from dagcontent.run.following import follow, reconcile
from dagcontent.run.order import Desk, Order, refusal
from dagcontent.run.paid_ports import SpoolFile
from dagcontent.values.attempt import Attempt, AttemptState, Handle, Intent
from dagcontent.values.record import Record

__all__ = ["TRIES_MOST", "go_on", "purchase", "resume"]

TRIES_MOST = 12
"""Requests of one order that a vendor may turn away as too many, before it is given up."""
_ANSWER = "answer"
_TWIN = "the job that it was answered with is another request's"  # a twin's own is as good, if there is one
_AGAIN_S = 1.0
_AGAIN_MOST_S = 60.0
_SECRET = re.compile("cookie|auth|token|secret|key|signature|location|link|credential")
_KEPT_HEADERS = ("content-type", "content-encoding", "date")


async def purchase(desk: Desk, order: Order, guard: Callable[[], None] = lambda: None) -> Record:
    """Return the record of an order: what an earlier attempt left is gone on with, else one is made.

    `guard` is asked before anything is sent, and last of all before the intent; it raises what speaks against it. Raises
    NodeError and its branches, StoreError.
    """
    known = desk.journal.blocking(order.key)
    if known is None or (order.again and known.state is AttemptState.EXPIRED):
        return await _buy(desk, order, guard)
    return await resume(desk, order, known, guard)


async def resume(desk: Desk, order: Order, attempt: Attempt, guard: Callable[[], None] = lambda: None) -> Record:
    """Go on with an attempt from what is written of it; if it never was, send it."""
    found = await go_on(desk, order, attempt)
    return found if found is not None else await _buy(desk, order, guard)


async def go_on(desk: Desk, order: Order, attempt: Attempt) -> Record | None:
    """Go on with an attempt and send nothing; None if it may be sent again: it never reached its vendor, or was turned away."""
    if attempt.state in {AttemptState.INTENT, AttemptState.SUBMITTED, AttemptState.SPOOLED}:
        await desk.journal.take_over(attempt.id)
    # It was paid for: should the key have a record whose bytes are gone, this one takes its place.
    order = msgspec.structs.replace(order, again=True)
    call = Call(**attempt.intent.request)
    if attempt.state is AttemptState.SUBMITTED and attempt.handle is not None:
        return await follow(desk, order, call, attempt.handle, attempt.intent)
    if attempt.state is AttemptState.SPOOLED:
        return await finish(desk, order, call, attempt.spool, began_ms=attempt.intent.at_ms)
    if attempt.state is AttemptState.INTENT:
        whole = await desk.vault.sealed(call.attempt, _ANSWER)
        if whole is not None:
            said, body = whole
            came = _Came(int(said["status"]), dict(said["headers"]), body, whole=True)
            found = await _judge(desk, order, call, attempt.intent, came)
            return found if isinstance(found, Record) else None
        handle = await _left_in_the_spool(desk, call, attempt)
        if handle is not None:
            if not await desk.journal.adopt(call.attempt, handle):
                return await reconcile(desk, order, call, attempt.intent, _TWIN, taken=True)
            return await follow(desk, order, call, handle, attempt.intent)
        why = "the build ended before an answer was written down"
        return await reconcile(desk, order, call, attempt.intent, why, taken=_took(_status(attempt)))
    raise _stands(attempt)


def _stands(attempt: Attempt) -> NodeError:
    """Say why an attempt keeps its key from being sent."""
    if attempt.state is AttemptState.UNRESOLVED:
        return AttemptUnresolved(
            attempt.message, facts=[("attempt", attempt.id)], hint=f"dagcontent jobs retry {attempt.id}"
        )
    if attempt.state is AttemptState.EXPIRED:
        return NodeError(
            attempt.message, facts=[("attempt", attempt.id)],
            hint=f"to pay for it again: build with --repay {attempt.intent.instance}",
        )  # fmt: skip
    text = f"an attempt was abandoned ({attempt.intent.provider}, {attempt.id})"
    return NodeError(text, hint=f"to send it again: dagcontent jobs retry {attempt.id}")


def _status(attempt: Attempt) -> int | None:
    """Return the status of an answer whose head was written down."""
    return int(attempt.answer["status"]) if isinstance(attempt.answer, dict) and "status" in attempt.answer else None


def _took(status: int | None) -> bool:
    """Whether a vendor said by its status that it took a request: then it is no request that never was."""
    return status is not None and 200 <= status < 300


async def _left_in_the_spool(desk: Desk, call: Call, attempt: Attempt) -> Handle | None:
    """Return the id of a job if it reached the disk, though not the end of its answer. An id that is cut off is none."""
    body = await desk.vault.read(call.attempt, _ANSWER)
    if not body or not desk.operation_of(call).handle:
        return None
    said = attempt.answer if isinstance(attempt.answer, dict) else {}
    headers = said.get("headers", {})
    try:
        found = desk.adapter.read(call, Answer(int(said.get("status", 200)), headers, decoded(headers, body)))
    except ProviderError:
        return None
    return found if isinstance(found, Handle) else None


async def _buy(desk: Desk, order: Order, guard: Callable[[], None]) -> Record:
    """Send until the vendor takes it or refuses it for good; every request is an attempt of its own."""
    guard()
    slot = await desk.limits.enter(order.account)
    try:
        for tried in range(TRIES_MOST):
            one = _Try(desk, order, guard)
            found = await one.run()
            if isinstance(found, Record):
                return found
            if isinstance(found, Failure):
                pause = found.retry_after_s or min(_AGAIN_S * 2**tried, _AGAIN_MOST_S)
                desk.limits.hold(order.account, pause)
                desk.stage(order, f"waits: {found.error_class.value}", None)
        if isinstance(found, Failure):
            raise refusal(order.call.provider, found)
        raise NodeError(f"{order.call.provider} takes no request", hint="build again later", retry=True)
    finally:
        desk.limits.leave(slot)


class _TooLateError(DagcontentError):
    """The intent took longer to write than it may stand unsent."""


class _Try:
    """One request, from its preparation to what came of it."""

    def __init__(self, desk: Desk, order: Order, guard: Callable[[], None]) -> None:
        self._desk = desk
        self._guard = guard
        self._order = order
        self._operation: Operation = desk.operation_of(order.call)
        self._bounds: Bounds = desk.bounds(self._operation)
        self._intent: Intent | None = None
        self._file: SpoolFile | None = None
        self._refused: BaseException | None = None
        self._digest = ""
        self._read = hashlib.sha256()
        attempt, marker = desk.new_id()
        fields = {n: getattr(order.call, n) for n in order.call.__struct_fields__}
        self._call = Call(**(fields | {"attempt": attempt, "marker": marker}))

    async def run(self) -> Record | Failure | None:
        """Return a record; a refusal after which it may be sent again; None if it is certain that nothing was sent."""
        desk, call = self._desk, self._call
        if desk.clock.stopping:
            raise AttemptDetached("the build was stopped before this was sent", hint="build again")
        payload = await self._prepared()
        self._digest = payload_digest(payload)
        await desk.limits.pace(self._order.account)
        sent = Sending(commit=self._commit, on_headers=self._headers, sink=self._keep)
        error: Exception | None = None
        try:
            with sending(sent):
                await desk.adapter.send(call, payload)
        except Exception as raised:  # noqa: BLE001 - the phase says what happened, whatever came out of it
            error = raised
        except BaseException:  # cancelled: what certainly did not leave need not be asked about later
            if self._intent is not None and not sent.sent:
                desk.journal.release_soon(call.attempt, "not-sent", "nothing was sent")
            raise
        if not sent.sent:
            await self._not_sent(sent.error or error)
        desk.crashpoint("paid.sent")
        assert self._intent is not None
        assert self._file is not None
        if sent.status is None:
            why = "the connection broke before an answer came"
            return await reconcile(desk, self._order, call, self._intent, why)
        headers, whole = dict(sent.headers), sent.complete and sent.framed
        if whole:
            said = {"status": sent.status, "headers": _kept(headers)}
            await desk.vault.seal(self._file, said, self._read.hexdigest())
        else:
            await desk.vault.sync(self._file)
        desk.crashpoint("paid.answer-on-disk")
        body = await desk.vault.read(call.attempt, _ANSWER) or b""
        return await _judge(desk, self._order, call, self._intent, _Came(sent.status, headers, body, whole=whole))

    async def _prepared(self) -> Mapping[str, object]:
        desk, call = self._desk, self._call
        try:
            return await desk.adapter.prepare(call, desk.vault.files)
        except DagcontentError:
            raise
        except Exception as error:
            failure = desk.adapter.fault(error)
            if failure is None:
                raise
            raise refusal(call.provider, failure) from error

    # -- within the send ----------------------------------------------------------------------------------------

    async def _commit(self) -> None:
        """Write the intent; afterwards, and only then, the request may leave."""
        desk = self._desk
        intent = self._order.intent(
            self._call, self._operation, self._digest, at_ms=desk.clock.now_ms(), send_s=self._bounds.send_s
        )
        desk.crashpoint("paid.before-intent")
        try:
            if desk.clock.stopping:
                raise AttemptDetached("the build was stopped before this was sent", hint="build again")
            self._guard()
            await desk.journal.intend(intent, again=self._order.again)
            self._intent = intent
            desk.crashpoint("paid.intended")
            # Not before: a file whose attempt is in no journal could have been paid for, for all that anybody knows.
            self._file = desk.vault.open(self._call.attempt, _ANSWER)
            desk.stage(self._order, AWAITS, None)
            if desk.clock.now_ms() > intent.send_by_ms:
                raise _TooLateError("writing the intent took too long")
        except BaseException as error:
            self._refused = error
            raise

    def _keep(self, data: bytes) -> None:
        assert self._file is not None
        self._file.write(data)
        self._read.update(data)

    async def _headers(self, status: int, headers: Mapping[str, str]) -> None:
        """Write down what came before the body: perhaps the only trace of an id."""
        kept = {n: v for n, v in headers.items() if n in _KEPT_HEADERS or n.endswith(("-id", "-cost", "-units"))}
        self._desk.crashpoint("paid.headers")
        # The body is worth more than this trace of it: it is read though the trace could not be written.
        with contextlib.suppress(StoreError):
            await self._desk.journal.answered(self._call.attempt, {"status": status, "headers": kept})

    async def _not_sent(self, error: BaseException | None) -> None:
        """Raise what kept the request from leaving. Nothing was paid."""
        desk = self._desk
        if self._intent is not None:
            await desk.journal.release(self._call.attempt, "not-sent", "nothing was sent")
        desk.vault.forget(self._call.attempt)
        if isinstance(self._refused, _TooLateError):
            raise NodeError("the store was too slow to write this down in time", hint="build again", retry=True)
        if self._refused is not None:
            raise self._refused
        if error is None:
            raise InternalError(f"{self._call.provider} sent nothing and said nothing", hint="please report it")
        if isinstance(error, DagcontentError):
            raise error
        failure = desk.adapter.fault(error)
        if failure is None:
            raise error
        raise refusal(self._call.provider, Failure(ErrorClass.TRANSIENT, failure.message)) from error


# -- what came of it


class _Came(msgspec.Struct, frozen=True):
    """An answer as far as it came; `whole`: to its end."""

    status: int
    headers: dict[str, str]
    body: bytes
    whole: bool


def _kept(headers: Mapping[str, str]) -> dict[str, str]:
    """Return what may be written down of an answer's headers."""
    return {name: redact(value) for name, value in headers.items() if not _SECRET.search(name)}


async def _judge(desk: Desk, order: Order, call: Call, intent: Intent, came: _Came) -> Record | Failure | None:
    """Go on from an answer, read just now or found in the spool; what is returned is as of `_Try.run`."""
    try:
        outcome = desk.adapter.read(call, Answer(came.status, came.headers, decoded(came.headers, came.body)))
    except ProviderError as error:
        return await _lost(desk, order, call, intent, f"the answer cannot be understood: {error.message}", came.status)
    if isinstance(outcome, Handle):
        if not await desk.journal.adopt(call.attempt, outcome):
            return await reconcile(desk, order, call, intent, _TWIN, taken=True)
        desk.crashpoint("paid.submitted")
        return await follow(desk, order, call, outcome, intent)
    if not came.whole:
        return await _lost(desk, order, call, intent, "the answer broke off", came.status)
    if isinstance(outcome, Result):
        answer = {"status": came.status, "headers": _kept(came.headers)}
        await desk.journal.spooled(call.attempt, {"answer": answer})
        desk.crashpoint("paid.spooled")
        return await finish_answer(desk, order, call, outcome, began_ms=intent.at_ms)
    return await _failed(desk, order, call, intent, outcome, came.status)


async def _failed(
    desk: Desk, order: Order, call: Call, intent: Intent, failure: Failure, status: int
) -> Failure | None | Record:
    if failure.billed is None:
        why = f"{call.provider} answered with an error that does not say whether it was charged ({failure.message})"
        return await _lost(desk, order, call, intent, why, status)
    if failure.billed:
        raise await charge(desk, order, call, failure, began_ms=intent.at_ms)
    await desk.journal.release(call.attempt, failure.error_class.value, failure.message)
    desk.vault.forget(call.attempt)
    if failure.error_class in {ErrorClass.RATE_LIMIT, ErrorClass.CONCURRENCY}:
        headers = failure.answer.get("headers", {}) if isinstance(failure.answer, dict) else {}
        desk.limits.learn(order.account, headers)
        return failure
    raise refusal(call.provider, failure)


async def _lost(desk: Desk, order: Order, call: Call, intent: Intent, why: str, status: int) -> Record | None:
    """Find out what became of a request whose answer was lost; None if it never was."""
    return await reconcile(desk, order, call, intent, why, taken=_took(status))
