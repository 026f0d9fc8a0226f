"""A vendor's result into a committed record: bytes to the spool, verified, kept, settled. Knows no vendor and no store.

Until the record is durable the spool has the bytes, and the journal says how the value is made of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from dagcontent.errors import AttemptDetached, InternalError, NodeError
from dagcontent.providers.once import decoded
from dagcontent.providers.port import Answer, Call, Cost, ErrorClass, Failure, Part, Result
from dagcontent.run.order import Desk, Order, refusal
from dagcontent.run.paid_ports import Payment, ResultGone
from dagcontent.values.record import Done, FailedCharged, Record
from dagcontent.values.value import Blob, blobs_in

__all__ = ["charge", "fetch", "finish", "finish_answer", "gone"]

_FETCHES_MOST = 4
_GONE_MOST = 2
_LENGTH_S, _LENGTH_PART = 0.75, 0.15  # how far a length may be from what was asked, before it is said
_SHAPE_PART = 0.05
_MEDIA = frozenset({"image", "audio", "video"})


async def fetch(desk: Desk, order: Order, call: Call, result: Result) -> dict[str, Any]:
    """Bring the artifacts of a polled result into the spool, durably; return how its value is made of them.

    Raises ResultGone; NodeError while they cannot be had: the job stays on the journal.
    """
    parts, shape = _parts(result.value)
    rows = []
    for number, part in enumerate(parts):
        name = f"part-{number}"
        file = desk.vault.open(call.attempt, name)
        desk.stage(order, "downloading", None)
        if part.data is not None:
            file.write(part.data)
        else:
            await _fetched(desk, call, part, file)
        await desk.vault.sync(file)
        desk.crashpoint("paid.fetched")
        rows.append({"file": name, "facts": dict(part.facts)})
    return {
        "shape": shape, "value": None if parts else result.value, "parts": rows, "extras": dict(result.extras),
        "cost": msgspec.structs.asdict(result.cost),
    }  # fmt: skip


async def _fetched(desk: Desk, call: Call, part: Part, file: Any) -> None:
    pause = desk.bounds(desk.operation_of(call)).poll_s
    for tried in range(_FETCHES_MOST):
        try:
            await desk.vault.fetch(part, call.provider, file)
        except (NodeError, ResultGone) as error:
            # A file may be announced a moment before it can be had.
            again = error.retry if isinstance(error, NodeError) else tried < _GONE_MOST
            if not again or tried + 1 == _FETCHES_MOST or desk.clock.stopping:
                raise
            await desk.clock.sleep(pause * 2**tried)
        else:
            return


async def finish(desk: Desk, order: Order, call: Call, spool: Any, *, began_ms: int) -> Record:
    """Make the record of what lies in the spool, now or after a crash."""
    if not isinstance(spool, Mapping):
        raise InternalError("the journal does not say what the spool holds", hint="dagcontent store verify")
    answer = spool.get("answer")
    if answer is not None:
        headers = dict(answer["headers"])
        body = await desk.vault.read(call.attempt, "answer")
        if body is None:
            raise await gone(desk, order, call)
        outcome = desk.adapter.read(call, Answer(int(answer["status"]), headers, decoded(headers, body)))
        if not isinstance(outcome, Result):
            raise InternalError("an answer in the spool means something else than before", hint="please report it")
        return await finish_answer(desk, order, call, outcome, began_ms=began_ms)
    cost = msgspec.convert(spool["cost"], Cost)
    result = Result(spool["value"], cost, spool["extras"])
    return await _record(desk, order, call, result, (spool["shape"], spool["parts"]), began_ms=began_ms)


async def finish_answer(desk: Desk, order: Order, call: Call, result: Result, *, began_ms: int) -> Record:
    """Make the record of a result that came whole with its answer."""
    parts, shape = _parts(result.value)
    rows = []
    for number, part in enumerate(parts):
        if part.data is None:
            raise InternalError("an answer that is a result names a file elsewhere", hint="please report it")
        file = desk.vault.open(call.attempt, f"part-{number}")
        file.write(part.data)
        await desk.vault.sync(file)
        rows.append({"file": f"part-{number}", "facts": dict(part.facts)})
    return await _record(desk, order, call, result, (shape, rows) if parts else None, began_ms=began_ms)


async def _record(
    desk: Desk, order: Order, call: Call, result: Result, made: tuple[str, Sequence[Mapping[str, Any]]] | None, *,
    began_ms: int,
) -> Record:  # fmt: skip
    payment = desk.payment(order, result.cost, began_ms)
    value: Any = result.value
    try:
        if made is not None and made[1]:
            blobs = [await desk.vault.keep(call.attempt, row["file"], call.output, row["facts"]) for row in made[1]]
            value = blobs[0] if made[0] == "one" else blobs
        _check(call, value)
    except ResultGone:
        raise await gone(desk, order, call) from None
    except AttemptDetached:  # nothing is said of the result
        raise
    except NodeError as unusable:
        failure = Failure(ErrorClass.UNKNOWN, f"its result cannot be used: {unusable.message}", billed=True)
        raise await charge(desk, order, call, failure, began_ms=began_ms, payment=payment) from unusable
    desk.crashpoint("paid.kept")
    unlike = [words for blob in blobs_in(value) if (words := _unlike(call, blob))]
    extras = {**result.extras, **({"unlike": unlike} if unlike else {})}
    record = desk.record(order, Done(value, extras), payment, began_ms)
    winner = await desk.journal.commit(call.attempt, record, payment, again=order.again)
    desk.crashpoint("paid.committed")
    desk.vault.forget(call.attempt)
    return winner


async def charge(
    desk: Desk, order: Order, call: Call, failure: Failure, *, began_ms: int, payment: Payment | None = None
) -> NodeError:
    """Record a failure that was paid for, so that it is not paid again; return what to raise."""
    said = failure.cost != Cost()
    cost = payment or (desk.payment(order, failure.cost, began_ms) if said else None)
    # Nobody said what a failure costs: it counts at its most.
    if cost is None or (cost.source == "estimated" and payment is None):
        cost = Payment(order.bound_microusd or 0, "unknown", "" if cost is None else cost.doubt)
    answer = {"answer": failure.answer, "spool": await desk.vault.keep_raw(call.attempt)}
    outcome = FailedCharged(failure.error_class.value, failure.message, answer)
    await desk.journal.charge(call.attempt, desk.record(order, outcome, cost, began_ms), cost)
    desk.vault.forget(call.attempt)
    return refusal(call.provider, failure, charged=cost)


async def gone(desk: Desk, order: Order, call: Call) -> NodeError:
    """Write down that a result that was paid for can be had no more; return what to raise."""
    text = f"{call.provider} does not keep the result of this job any more; it was paid for"
    await desk.journal.expire(call.attempt, text)
    hint = f"to pay for it again: build with --repay {order.instance}"
    return NodeError(text, facts=[("attempt", call.attempt)], hint=hint)


def _parts(value: Any) -> tuple[list[Part], str]:
    """Return the artifacts of a result's value, and whether it is one, many or none ("plain")."""
    if isinstance(value, Part):
        return [value], "one"
    if isinstance(value, list) and value and all(isinstance(item, Part) for item in value):
        return list(value), "many"
    return [], "plain"


def _unlike(call: Call, blob: Blob) -> str:
    """Say how an artifact differs from what was asked for; empty if it does not. It was paid for and can be used: it is kept."""
    said = []
    asked_s, is_s = call.params.get("duration"), blob.facts.get("duration_ms", 0) / 1000
    if isinstance(asked_s, int | float) and is_s and abs(is_s - asked_s) > max(_LENGTH_S, asked_s * _LENGTH_PART):
        said.append(f"{asked_s:g} s was asked for, and it is {is_s:.1f} s")
    across, _, down = str(call.params.get("size") or "").partition("x")
    width, height = blob.facts.get("width"), blob.facts.get("height")
    if width and height and across.isdigit() and down.isdigit():
        shape = (int(across) * height) / (int(down) * width)
        if abs(shape - 1) > _SHAPE_PART:
            said.append(f"{across}x{down} was asked for, and it is {width}x{height}")
    return "; ".join(said)


def _check(call: Call, value: Any) -> None:
    """Refuse a value that is not of the type that was asked for."""
    blobs = value if isinstance(value, list) else [value]
    if call.output in _MEDIA:
        if not blobs or not all(isinstance(blob, Blob) and blob.type == call.output for blob in blobs):
            raise NodeError(f"{call.provider} gave no {call.output}")
    elif call.output == "text" and not (isinstance(value, str) and value.strip()):
        raise NodeError(f"{call.provider} gave no text")
    elif value is None:
        raise NodeError(f"{call.provider} gave nothing")
