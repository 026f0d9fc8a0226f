"""Who is paid in a build and what was agreed to, and a plan's refusal of what was not. Knows no vendor's package.

What can be said before anything is spent is said here, for all nodes at once: a package or a key that is missing, a bound
that nobody knows, a new version that would buy everything again, and that nobody agreed to pay.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING, Final

import msgspec

from dagcontent.catalog.market import Market
from dagcontent.errors import BudgetExceeded, ConfigError, UsageError
from dagcontent.plan.model import Plan, PlanRow
from dagcontent.values.money import Cap, Ceiling, budget_for, usd_text
from dagcontent.values.units import Amounts, UnitCap, UnitCeiling, amounts_of

if TYPE_CHECKING:
    from dagcontent.plan.asking import Terms
    from dagcontent.plan.contract import Promise
    from dagcontent.providers.config import ProviderConfig
    from dagcontent.providers.once import Proxies
    from dagcontent.values.attempt import Intent

__all__ = [
    "GRAPH_SAID",
    "Agreed",
    "Offer",
    "Spending",
    "amounts_of_row",
    "check_consent",
    "check_means",
    "lacks",
    "with_recovery",
]

_SHOWN = 5
_ROWS = 20
GRAPH_SAID: Final = "budget_usd of the graph"


class Offer(msgspec.Struct, frozen=True):
    """What nobody agreed to yet: the rows of a plan that would be bought. `allowed_microusd` is the lowest ceiling on a run,
    set by `allowed_said`; None: there is none.
    """

    plan: Plan
    buys: Sequence[PlanRow]
    allowed_microusd: int | None = None
    allowed_said: str = ""


class Agreed(msgspec.Struct, frozen=True):
    """The most that a build may spend, and by whose word."""

    microusd: int
    said: str


class Spending(msgspec.Struct, frozen=True, kw_only=True, dict=True):
    """Who is paid and what was agreed to.

    `make_configs` says how each provider is reached, asked for when something may be bought; `realms` keep the results of
    other hosts apart. `yes`: no question before spending. `budget_microusd`: not more than that in this build.
    `budget_said` is who set that. `ceilings` and `unit_ceilings` hold in any build. `ask` is asked where nobody agreed yet;
    it raises BudgetExceeded for a no. `make_proxies` is asked when something is sent. `repay` names nodes or instances whose
    paid result is gone and may be paid for once more; `market` says whose prices hold. `unpriced` allows what nobody knows a
    bound of; `upgrade` paid runs whose only cause is a new version of ours. `promise` is a plan that was agreed to: nothing
    dearer or different is bought, and no more than its most is spent. `retry_primary`: models that were refused before are asked
    again.
    """

    make_configs: Callable[[], Mapping[str, ProviderConfig]] = dict
    realms: Mapping[str, str] = {}
    yes: bool = False
    budget_microusd: int | None = None
    budget_said: str = "--budget"
    ceilings: Sequence[Ceiling] = ()
    unit_ceilings: Sequence[UnitCeiling] = ()
    ask: Callable[[Offer], Agreed] | None = None
    repay: frozenset[str] = frozenset()
    unpriced: bool = False
    upgrade: bool = False
    promise: Promise | None = None
    make_proxies: Callable[[], Proxies | None] = lambda: None
    retry_primary: bool = False
    market: Market = Market()

    @cached_property
    def proxies(self) -> Proxies | None:
        """Through whom providers are reached."""
        return self.make_proxies()

    @cached_property
    def configs(self) -> Mapping[str, ProviderConfig]:
        """How each provider is reached."""
        return self.make_configs()

    @property
    def terms(self) -> Terms:
        """On what terms models are asked."""
        from dagcontent.plan.asking import Terms  # noqa: PLC0415 - an unchanged graph asks none

        return Terms(market=self.market, retry=self.retry_primary)

    @property
    def agreed(self) -> bool:
        """Whether anybody agreed to pay."""
        return self.yes or self.budget_microusd is not None or self.promise is not None

    def caps(self, intent: Intent, graph_budget_microusd: int | None) -> list[Cap | UnitCap]:
        """Return all that bounds one intent: the command line, the graph, the configuration."""
        # The lowest first: it is the one that is told of.
        limits = sorted(self._run_limits(graph_budget_microusd), key=lambda one: one[0])
        caps: list[Cap | UnitCap] = [Cap("run", intent.run, limit, said) for limit, said in limits]
        day = datetime.fromtimestamp(intent.at_ms / 1000, UTC).date().isoformat()
        names = {"run": intent.run, "graph": intent.graph, "day": day}
        caps += [
            Cap(one.per, names[one.per], one.limit_microusd, one.said, one.provider)
            for one in self.ceilings
            if one.provider in {"", intent.provider} and (one.per != "run" or one.provider)
        ]
        caps += [
            UnitCap(one.per, names[one.per], one.provider, one.measure, one.limit, one.said, self.unpriced)
            for one in self.unit_ceilings
            if one.provider == intent.provider
        ]
        return caps

    def conflicts(self, graph_budget_microusd: int | None) -> list[str]:
        """Say which lower ceiling holds although more was agreed to."""
        if self.budget_microusd is None:
            return []
        lower = [(one.limit_microusd, one.said) for one in self.ceilings if not one.provider]
        if graph_budget_microusd is not None:
            lower.append((graph_budget_microusd, GRAPH_SAID))
        agreed = usd_text(self.budget_microusd, digits=2)
        return [
            f"{agreed} ({self.budget_said}) does not raise {said}: {usd_text(limit, digits=2)} holds"
            for limit, said in lower
            if limit < self.budget_microusd
        ]

    def most_microusd(self, graph_budget_microusd: int | None) -> int | None:
        """Return the most that one run may spend, as far as that is known before it; None without such a cap."""
        return min((limit for limit, _ in self._run_limits(graph_budget_microusd)), default=None)

    def offer(self, plan: Plan, buys: Sequence[PlanRow], graph_budget_microusd: int | None) -> Offer:
        """Return what somebody may agree to."""
        limits = self._run_limits(graph_budget_microusd)
        return Offer(plan, buys, *min(limits, key=lambda one: one[0])) if limits else Offer(plan, buys)

    def _run_limits(self, graph_budget_microusd: int | None) -> list[tuple[int, str]]:
        known = [(one.limit_microusd, one.said) for one in self.ceilings if one.per == "run" and not one.provider]
        agreed = [(graph_budget_microusd, GRAPH_SAID), (self.budget_microusd, self.budget_said)]
        if self.promise is not None:
            agreed.append((self.promise.most_microusd, f"--plan {self.promise.said}"))
        return [(limit, said) for limit, said in [*known, *agreed] if limit is not None]


def lacks(spending: Spending, rows: Sequence[PlanRow]) -> list[tuple[str, str]]:
    """Return what keeps paid rows from being sent, each with its nodes and what mends it; of a list of models, any of them: that
    a fallback has no key is better known before it is needed.
    """
    from dagcontent.providers.registry import missing  # noqa: PLC0415 - a free graph has no provider

    nodes: dict[str, list[str]] = {}
    for row in rows:
        for provider in dict.fromkeys(model.partition("/")[0] for model in (row.model, *row.fallbacks) if "/" in model):
            if provider != "local":
                nodes.setdefault(provider, []).append(row.node)
    return [
        (f"{one.message} (for {_listed(nodes[one.provider])})", one.hint) for one in missing(spending.configs, nodes)
    ]


def check_means(spending: Spending, plan: Plan) -> None:
    """Raise ConfigError if a package or a key is missing for what a build would send or go on with."""
    rows = [row for row in plan.rows if row.price is not None and row.status in {"run", "maybe", "repay", "resume"}]
    found = lacks(spending, rows)
    if found:
        text = found[0][0] if len(found) == 1 else "; ".join(message for message, _ in found)
        raise ConfigError(text, hint="; ".join(dict.fromkeys(hint for _, hint in found)))


def check_consent(spending: Spending, plan: Plan, graph_budget_microusd: int | None) -> Spending:
    """Return what a build may spend, once it was asked for that. Raises BudgetExceeded, UsageError if what it would buy was not
    agreed to. Nothing was sent.
    """
    buys = [row for row in plan.paid if row.status != "repay" or _repays(spending, row)]
    if spending.promise is not None:
        _check_promise(spending.promise, plan, buys)
    if not buys:
        return spending
    upgrades = [row.node for row in buys if row.status == "run" and row.cause == "upgrade"]
    if upgrades and not spending.upgrade:
        raise UsageError(
            f"a new version of dagcontent would make what was paid for again: {_listed(upgrades)}",
            hint="to pay for it: --accept-upgrade",
        )
    if not spending.unpriced:
        # What depends on content still to be made is looked at once more before it is sent.
        _check_priced(spending, [row for row in buys if row.key is not None])
    if spending.agreed:
        return spending
    most, unknown = _most(buys)
    if not (most or unknown):
        return msgspec.structs.replace(spending, budget_microusd=0)
    if spending.ask is not None:
        check_means(spending, plan)
        agreed = spending.ask(spending.offer(plan, buys, graph_budget_microusd))
        return msgspec.structs.replace(spending, budget_microusd=agreed.microusd, budget_said=agreed.said)
    raise BudgetExceeded(
        f"{len(buys)} of {len(plan.rows)} nodes cost money, {'at least ' if unknown else 'at most '}{usd_text(most)}"
        " by their upper bounds, and nobody agreed to that",
        hint=f"--budget {budget_for(most)} sets the most that may be spent; --yes spends without a bound; plan lists the nodes",
    )


def _check_priced(spending: Spending, rows: Sequence[PlanRow]) -> None:
    """Raise BudgetExceeded for what nobody knows: a cost, or an amount of what a ceiling is on."""
    unpriced = [row.node for row in rows if row.price and row.price.quote.high is None]
    if unpriced:
        raise BudgetExceeded(
            f"what these may cost at most is not known: {_listed(unpriced)}",
            hint="to send them all the same: --allow-unpriced",
        )
    for one in spending.unit_ceilings:
        unmeasured = [row.node for row in rows if row.model.startswith(f"{one.provider}/") and _unmeasured(row, one)]
        if unmeasured:
            raise BudgetExceeded(
                f"how many {one.measure}s these may use at most is not known, and {one.said} bounds them: {_listed(unmeasured)}",
                hint="to send them all the same: --allow-unpriced",
            )


def _unmeasured(row: PlanRow, ceiling: UnitCeiling) -> bool:
    return amounts_of_row(row).get(ceiling.measure, 0) is None


def amounts_of_row(row: PlanRow) -> Amounts:
    """Return the most that a paid row may use of each measure."""
    from dagcontent.kinds.registry import kind_of  # noqa: PLC0415 - an unchanged graph has no such row

    return {} if row.price is None else amounts_of(row.price.quote, kind_of(row.kind).output.name)


def _most(rows: Sequence[PlanRow]) -> tuple[int, bool]:
    """Return the most that rows can cost, as far as that is known, and whether it can be more."""
    most, unknown = 0, False
    for row in rows:
        high = row.price.quote.high if row.price is not None else 0
        many = row.items_max if row.node.endswith("*]") else row.items_max or 1
        unknown = unknown or high is None or many is None
        most += (high or 0) * (many or 1)
    return most, unknown


def _check_promise(promise: Promise, plan: Plan, buys: Sequence[PlanRow]) -> None:
    """Raise UsageError, BudgetExceeded if a build would buy what is not as it was agreed to."""
    from dagcontent.plan.contract import differences  # noqa: PLC0415 - most builds are held to no plan

    found = differences(promise, plan, buys)
    if not found:
        return
    wide = max(len("then"), *(len(one.then) for one in found))
    facts = [("node", f"{'then':<{wide}}  now")]
    facts += [(one.node, f"{one.then:<{wide}}  {one.now}") for one in found[:_ROWS]]
    if len(found) > _ROWS:
        facts.append((f"and {len(found) - _ROWS} more", ""))
    hint = "look at what it would cost now, and agree to that: dagcontent plan GRAPH -o FILE"
    if all(one.dearer for one in found):
        raise BudgetExceeded(
            f"what was agreed to in {promise.said} is dearer now; nothing was spent", facts=facts, hint=hint
        )
    raise UsageError(f"this is not what was agreed to in {promise.said}; nothing was spent", facts=facts, hint=hint)


def with_recovery(plan: Plan) -> Plan:
    """Return a plan whose paid rows say how a lost answer is recovered, as the vendors' adapters declare it."""
    from dagcontent.providers.registry import recovery_of  # noqa: PLC0415 - as above

    rows = []
    for row in plan.rows:
        if row.price is not None and not row.price.recovery and row.price.operation:
            recovery = recovery_of(row.model.partition("/")[0], row.price.operation)
            row = msgspec.structs.replace(row, price=msgspec.structs.replace(row.price, recovery=recovery))  # noqa: PLW2901 - the same row, completed
        rows.append(row)
    return msgspec.structs.replace(plan, rows=tuple(rows))


def _repays(spending: Spending, row: PlanRow) -> bool:
    return row.node in spending.repay or row.node.split("[", 1)[0] in spending.repay


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more
