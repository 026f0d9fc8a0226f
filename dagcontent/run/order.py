"""One thing to be bought, and all that an attempt at it needs at hand. Knows no vendor and no store.

An `Order` is made of an action, or of an attempt on the journal: enough is written there to go on without the graph.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from dagcontent.errors import NodeError
from dagcontent.providers.port import Adapter, Bounds, Call, Cost, ErrorClass, Failure, Operation
from dagcontent.run.paid_ports import Clock, Journal, Limits, Payment, Vault
from dagcontent.values.attempt import Attempt, Intent
from dagcontent.values.money import usd_text
from dagcontent.values.record import Done, FailedCharged, Manifest, Record
from dagcontent.values.units import Amounts

__all__ = ["Desk", "Order", "order_of", "refusal"]


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be bought. `call` has no attempt and no marker yet; `bound_microusd` is what it may cost at most,
    `expected_microusd` its list price, `units` what it may use at most.

    At `leave_ms` nobody waits for its job any more: it goes on at the vendor. `again`: what was paid for is gone, and it is
    to be paid for once more.
    """

    key: str
    manifest: Manifest
    call: Call
    run: str
    graph: str
    instance: str
    realm: str
    account: str
    bound_microusd: int | None
    expected_microusd: int | None = None
    units: Amounts = {}
    leave_ms: int | None = None
    again: bool = False

    def intent(self, call: Call, operation: Operation, payload_digest: str, *, at_ms: int, send_s: float) -> Intent:
        """Return what is written before this order is sent."""
        return Intent(
            attempt=call.attempt, key=self.key, run=self.run, graph=self.graph, instance=self.instance,
            provider=call.provider, realm=self.realm, account=self.account, operation=operation.name,
            model=call.model, kind=call.kind, recovery=operation.recovery.value, marker=call.marker,
            payload_digest=payload_digest, reserved_microusd=self.bound_microusd, at_ms=at_ms,
            send_by_ms=at_ms + int(send_s * 1000), manifest=msgspec.structs.asdict(self.manifest),
            request=msgspec.structs.asdict(call), expected_microusd=self.expected_microusd,
            units=self.units,
        )  # fmt: skip


def order_of(attempt: Attempt, *, run: str) -> Order:
    """Return the order of an attempt on the journal, as `run` goes on with it."""
    intent = attempt.intent
    return Order(
        key=intent.key, manifest=Manifest(**intent.manifest), call=Call(**intent.request), run=run, graph=intent.graph,
        instance=intent.instance, realm=intent.realm, account=intent.account, bound_microusd=intent.reserved_microusd,
        expected_microusd=intent.expected_microusd, units=intent.units,
    )  # fmt: skip


class Desk(msgspec.Struct, frozen=True):
    """What stands ready for the attempts of one vendor. `price` says what an order cost that was sent at a moment in ms;
    `doubted` is told of a cost that is not believed. `stage` tells people how far one is. `account` is whose requests the
    vendor is asked for; empty: nobody says.
    """

    adapter: Adapter
    bounds: Callable[[Operation], Bounds]
    journal: Journal
    vault: Vault
    clock: Clock
    limits: Limits
    price: Callable[[Order, Cost, int], Payment]
    new_id: Callable[[], tuple[str, str]]
    account: str = ""
    made_with: dict[str, str] = {}
    doubted: Callable[[Order, Payment], None] = lambda _order, _payment: None
    stage: Callable[[Order, str, int | None], None] = lambda _order, _stage, _position: None
    crashpoint: Callable[[str], None] = lambda _point: None

    def operation_of(self, call: Call) -> Operation:
        """Return what the vendor's adapter declares of a call's operation."""
        return self.adapter.operations[call.operation]

    def knows(self, account: str) -> bool:
        """Whether what was sent under an account can be asked for here."""
        return self.account in {"", account}

    def payment(self, order: Order, cost: Cost, at_ms: int) -> Payment:
        """Return what an order cost that was sent at that moment; whoever must know is told if it is not believed."""
        found = self.price(order, cost, at_ms)
        if found.doubt:
            self.doubted(order, found)
        return found

    def leaves(self, order: Order) -> bool:
        """Whether it is time to wait no longer for an order's job."""
        return self.clock.stopping or (order.leave_ms is not None and self.clock.now_ms() >= order.leave_ms)

    def record(self, order: Order, outcome: Done | FailedCharged, payment: Payment, began_ms: int) -> Record:
        """Return the record of an outcome."""
        now = self.clock.now_ms()
        return Record(
            key=order.key, manifest=order.manifest, outcome=outcome, made_with=self.made_with, run=order.run, at_ms=now,
            seconds=max(0, now - began_ms) / 1000, cost_microusd=payment.microusd,
        )  # fmt: skip


_SAID = {
    ErrorClass.AUTH: ("refused the key", "set a key that is valid: dagcontent doctor"),
    ErrorClass.QUOTA: ("has no credit left for this", "add credit at the vendor, or name another model; then build again"),
    ErrorClass.RATE_LIMIT: ("asks for fewer requests", "build again later, or lower requests_per_minute"),
    ErrorClass.CONCURRENCY: ("has too many requests at once", "build again later, or lower concurrency"),
    ErrorClass.BLOCKED: ("refused: content policy", "change the prompt or the inputs"),
    ErrorClass.INVALID: ("refused the request", "correct the parameters of this node"),
    ErrorClass.NOT_FOUND: ("does not know this model or input", "dagcontent models lists what there is"),
    ErrorClass.GONE: ("does not keep this any more", None),
    ErrorClass.TRANSIENT: ("failed for a moment", "build again"),
    ErrorClass.UNKNOWN: ("failed", "build again; if it stays, look at the vendor's status page"),
}  # fmt: skip
_AGAIN = frozenset({ErrorClass.TRANSIENT, ErrorClass.RATE_LIMIT, ErrorClass.CONCURRENCY})


def refusal(provider: str, failure: Failure, *, charged: Payment | None = None) -> NodeError:
    """Return a vendor's refusal or failure in words."""
    what, hint = _SAID[failure.error_class]
    facts = []
    if charged is not None:
        most = "" if charged.source in {"reported", "computed"} else "up to "
        facts.append(("charged", f"{most}{usd_text(charged.microusd)}"))
    said = f": {failure.message}" if failure.message else ""
    again = charged is None and failure.error_class in _AGAIN
    return NodeError(
        f"{provider} {what}{said}", facts=facts, hint=hint, retry=again, error_class=failure.error_class.value
    )
