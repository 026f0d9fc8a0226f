"""Paid actions into records: orders made of actions, and what stops a provider for the rest of a build. Knows no vendor.

A provider that refuses the key or the account, charges more than its bound, or reports a cost that cannot be, is asked for
nothing more in this build.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime

import anyio
import msgspec

from dagcontent.catalog.effective import effective, known_model
from dagcontent.catalog.load import find
from dagcontent.catalog.market import Market
from dagcontent.errors import NodeError, OverBudget
from dagcontent.plan.action import OPTIONS, Action
from dagcontent.providers.config import ProviderConfig
from dagcontent.providers.port import Call, ErrorClass
from dagcontent.run.attempt import purchase
from dagcontent.run.order import Desk, Order
from dagcontent.run.paid_ports import Payment
from dagcontent.run.repaying import Standing, fetched_again
from dagcontent.values.money import usd_text
from dagcontent.values.record import Record
from dagcontent.values.types import Type
from dagcontent.values.units import amounts_of

__all__ = ["BuildClock", "Consent", "PaidExecutor"]

_BEGUN_MICROUSD = 300
"""How far a bill may be above a bound because what is begun is billed whole: one credit of the dearest plan."""
_STOPS = frozenset({ErrorClass.AUTH.value, ErrorClass.QUOTA.value})


class Consent(msgspec.Struct, frozen=True):
    """What the user agreed to. `repay` names nodes or instances whose result was paid for and is gone; without `buys` what is
    under way is gone on with, and nothing is sent.
    """

    repay: frozenset[str] = frozenset()
    unpriced: bool = False
    buys: bool = True

    def repays(self, instance: str) -> bool:
        """Whether an instance may be paid for again."""
        return instance in self.repay or instance.split("[", 1)[0] in self.repay


class BuildClock:
    """Time for the attempts of one build; told to stop, it lets nobody wait on."""

    def __init__(self, now_ms: Callable[[], int]) -> None:
        self._now_ms = now_ms
        self._told = anyio.Event()
        self.stopping = False

    def now_ms(self) -> int:
        """Return the time of day in ms."""
        return self._now_ms()

    def stop(self) -> None:
        """Wake all that sleep, and let nobody sleep any more."""
        self.stopping = True
        self._told.set()

    async def sleep(self, seconds: float) -> None:
        """Wait; shorter when told to stop."""
        with anyio.move_on_after(seconds):
            await self._told.wait()


def _plain(output: Type) -> str:
    """Return an output's type as adapters know it: text, json, image, audio, video."""
    if output.name == "text":
        return "text"
    item = output.item if output.name == "list" and output.item is not None else output
    return item.name if item.artifact else "json"


class PaidExecutor:
    """Executes paid actions, each in a task of its own. `desk` gives what stands ready for a provider, made once."""

    def __init__(
        self,
        desk: Callable[[str], Desk],
        configs: Mapping[str, ProviderConfig],
        clock: BuildClock,
        *,
        run: str,
        graph: str,
        standing: Callable[[str], Standing | None],
        consent: Consent,
        market: Market | None = None,
    ) -> None:
        self._desk = desk
        self._configs = configs
        self._clock = clock
        self._run = run
        self._graph = graph
        self._standing = standing
        self._consent = consent
        self._market = market
        self._stopped: dict[str, NodeError] = {}
        self.overcharged: list[str] = []
        """What vendors charged above their bounds, or reported that cannot be, in words."""

    async def execute(self, action: Action, instance: str) -> Record:
        """Make a result, or find what was paid for. Raises NodeError and its branches, StoreError."""
        provider = action.provider
        order = self._order(action, instance)
        desk = msgspec.structs.replace(self._desk(provider), doubted=self._doubted)
        standing = self._standing(action.key)
        lost = standing is not None and standing.state == "repay"
        if standing is not None and lost:
            found = await fetched_again(desk, order, standing)
            if found is not None:
                return found
            order = await self._again(desk, order, standing)
        try:
            record = await purchase(desk, order, lambda: self._refuse(action, order))
        except NodeError as error:
            if error.error_class in _STOPS:
                self._stopped[provider] = error
            raise
        self._look_at_cost(provider, order, record)
        return record

    def stop(self) -> None:
        """Send nothing more; leave jobs to go on at their vendors. Calls that could not be resumed are awaited."""
        self._clock.stop()

    def _refuse(self, action: Action, order: Order) -> None:
        """Raise what speaks against sending a request now, whatever was so when its turn began."""
        if action.provider in self._stopped:
            raise self._stopped[action.provider]
        known_model(action.model, action.node.kind, self._today())
        if order.bound_microusd is None and not self._consent.unpriced:
            raise OverBudget(
                f"what {action.model} may cost at most is not known",
                hint="to send it all the same: --allow-unpriced",
            )
        if not self._consent.buys:
            most = "" if order.bound_microusd is None else f", up to {usd_text(order.bound_microusd)}"
            raise OverBudget(
                f"it was not sent before, and nobody agreed to pay for it in this build{most}",
                hint="--budget USD sets the most that may be spent; --yes spends without a bound",
            )

    def _today(self) -> date:
        return datetime.fromtimestamp(self._clock.now_ms() / 1000, UTC).date()

    async def _again(self, desk: Desk, order: Order, standing: Standing) -> Order:
        if not self._consent.repays(order.instance):
            paid = f" ({usd_text(standing.record.cost_microusd)})" if standing.record is not None else ""
            raise NodeError(
                f"it was paid for{paid}, and its bytes are gone",
                hint=f"restore the store, or pay for it again: build with --repay '{order.instance}'",
            )
        if standing.attempt is not None and standing.attempt.blocks:
            await desk.journal.supersede(standing.attempt.id)
        return msgspec.structs.replace(order, again=True)

    def _look_at_cost(self, provider: str, order: Order, record: Record) -> None:
        bound = order.bound_microusd
        if bound is not None and record.cost_microusd > bound + _BEGUN_MICROUSD and record.run == self._run:
            most = usd_text(bound)
            said = f"{provider} charged {usd_text(record.cost_microusd)} for {order.instance}, which may cost {most} at most"
            self._stop(provider, said)

    def _doubted(self, order: Order, payment: Payment) -> None:
        self._stop(order.call.provider, payment.doubt)

    def _stop(self, provider: str, said: str) -> None:
        """Send nothing more to a provider that cannot be trusted with money in this build."""
        self.overcharged.append(said)
        self._stopped[provider] = OverBudget(
            f"{said}; nothing more is sent to it in this build", hint="look at its price list; then build again"
        )

    def _order(self, action: Action, instance: str) -> Order:
        provider, _, model = action.model.partition("/")
        config = self._configs[provider]
        kind = action.node.kind
        params = {n: v for n, v in action.params.items() if n != OPTIONS}
        known = find(action.model)
        # What was sent while there was such a model is gone on with: that it has ended is said before another is sent.
        ended = known is not None and known.gone(self._today())
        today = date.min if ended else self._today()
        snap = action.node.spec.snap
        fit = effective(
            action.model, kind, params, action.params.get(OPTIONS), action.seed, snap, today, market=self._market
        )
        call = Call(
            attempt="", marker="", provider=provider, operation=fit.operation, kind=kind.name, model=model,
            output=_plain(kind.output_type(action.params)), params=fit.params, fields=fit.fields, seed=action.seed,
        )  # fmt: skip
        timeout_s = action.node.spec.timeout_s
        return Order(
            key=action.key, manifest=action.manifest, call=call, run=self._run, graph=self._graph, instance=instance,
            realm=config.realm, account=config.account, bound_microusd=fit.quote.high,
            expected_microusd=fit.quote.expected, units=amounts_of(fit.quote, call.output),
            leave_ms=None if timeout_s is None else self._clock.now_ms() + int(timeout_s * 1000),
        )  # fmt: skip
