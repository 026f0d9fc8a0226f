"""`[budget]` and `confirm_above_usd` of configuration files into ceilings. Knows no run and no price.

A file beside a graph came with the graph: it can lower what the user's own file allows, and raise nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any, Final, Literal, TypeVar

from dagcontent.spec.findings import Findings
from dagcontent.spec.words import a_value, listed
from dagcontent.values.money import MOST_USD, Ceiling, microusd, usd_text
from dagcontent.values.units import MEASURES, MILLIONTHS, UnitCeiling, amount_text

__all__ = ["check_budget", "check_usd", "lowest"]

_PER: Final[Mapping[str, Literal["run", "graph", "day"]]] = {
    "per_run_usd": "run", "per_day_usd": "day", "per_graph_usd": "graph",
}  # fmt: skip
_UNITS: Final[Mapping[str, Literal["run", "graph", "day"]]] = {
    "per_run_units": "run", "per_day_units": "day", "per_graph_units": "graph",
}  # fmt: skip
_MOST_UNITS: Final = 1_000_000_000
C = TypeVar("C", Ceiling, UnitCeiling)


def check_budget(table: Any, file: str, findings: Findings, providers: Collection[str]) -> list[Ceiling | UnitCeiling]:
    """Note every mistake of `[budget]`; return what is right of it. `providers` are those whose budget can be set."""
    if not isinstance(table, Mapping):
        findings.add(0, ("budget",), f"`budget` is a table, not {a_value(table)}", at="key",
                     caret="write [budget] and per_run_usd = 5")  # fmt: skip
        return []
    made = _ceilings(("budget",), table, file, findings, further=("provider",))
    own = table.get("provider", {})
    if not isinstance(own, Mapping):
        findings.add(0, ("budget", "provider"), f"`provider` is a table of tables, not {a_value(own)}", at="key",
                     caret="write [budget.provider.fal]")  # fmt: skip
        return made
    for name, budget in own.items():
        path = ("budget", "provider", name)
        if name not in providers:
            findings.add(0, path, f"there is no provider `{name}`", at="key",
                         caret=findings.suggestion(name, providers), note=f"providers are: {listed(list(providers))}")  # fmt: skip
        elif not isinstance(budget, Mapping):
            findings.add(0, path, f"`{name}` is a table, not {a_value(budget)}", at="key",
                         caret=f"write [budget.provider.{name}]")  # fmt: skip
        else:
            made += _ceilings(path, budget, file, findings, provider=name, further=tuple(_UNITS))
    return made


def _ceilings(
    path: tuple[str, ...],
    table: Mapping[str, Any],
    file: str,
    findings: Findings,
    *,
    provider: str = "",
    further: Sequence[str],
) -> list[Ceiling | UnitCeiling]:
    made: list[Ceiling | UnitCeiling] = []
    for name, value in table.items():
        if name in _PER:
            limit = check_usd((*path, name), value, findings)
            if limit is not None:
                said = f"{'.'.join((*path[1:], name))} in {file}"
                made.append(Ceiling(_PER[name], limit, said, provider))
        elif name in _UNITS and name in further:
            made += _unit_ceilings((*path, name), value, file, findings, provider)
        elif name in _UNITS:
            findings.add(0, (*path, name), "units are counted for each provider by itself", at="key",
                         caret=f"write it under [budget.provider.fal], as {name} = {{ image = 40 }}")  # fmt: skip
        elif name == "units" and provider:
            findings.add(0, (*path, name), "`units` does not say of what time", at="key",
                         caret=f"write {listed(list(_UNITS))}")  # fmt: skip
        elif name not in further:
            known = [*_PER, *further]
            findings.add(0, (*path, name), f"there is no setting `{name}` of a budget", at="key",
                         caret=findings.suggestion(name, known), note=f"it has: {listed(known)}")  # fmt: skip
    return made


def _unit_ceilings(
    path: tuple[str, ...], table: Any, file: str, findings: Findings, provider: str
) -> list[UnitCeiling]:
    """Note every mistake of a table of units; return what is right of it."""
    if not isinstance(table, Mapping):
        findings.add(0, path, f"`{path[-1]}` is a table of units, not {a_value(table)}",
                     caret='write { second = 120, "1000 characters" = 500 }')  # fmt: skip
        return []
    made: list[UnitCeiling] = []
    for unit, value in table.items():
        if unit not in MEASURES:
            findings.add(0, (*path, unit), f"there is no unit `{unit}`", at="key",
                         caret=findings.suggestion(unit, MEASURES), note=f"units are: {listed(list(MEASURES))}")  # fmt: skip
        elif isinstance(value, bool) or not isinstance(value, int | float):
            findings.add(0, (*path, unit), f"`{unit}` is a number of units, not {a_value(value)}")
        elif not 0 <= value <= _MOST_UNITS:
            findings.add(0, (*path, unit), f"`{unit}` is a number from 0 to {_MOST_UNITS:,}")
        else:
            measure, factor = MEASURES[unit]
            limit = int(Decimal(repr(value)) * factor * MILLIONTHS)  # what is finer is cut off: a limit is never raised
            said = f"{'.'.join((*path[1:], unit))} in {file}"
            made.append(UnitCeiling(_UNITS[path[-1]], provider, measure, limit, said))
    return _lowest_each(made)


def check_usd(path: tuple[str, ...], value: Any, findings: Findings) -> int | None:
    """Return dollars (a number, or text as "0.25") as micro-USD; None after it is noted what is wrong with them."""
    amount: Decimal | None = None
    if isinstance(value, int | float | str) and not isinstance(value, bool):
        try:
            # A float as it was typed: 0.1 is a tenth. Text has no room for "1_000", "NaN" or other scripts' digits.
            amount = Decimal(repr(value) if isinstance(value, float) else value)
            if isinstance(value, str) and not (value.isascii() and value.replace(".", "", 1).isdigit()):
                amount = None
        except InvalidOperation:
            amount = None
    if amount is None or not amount.is_finite():
        said = "not this" if isinstance(value, str | float) else f"not {a_value(value)}"
        findings.add(0, path, f'`{path[-1]}` is an amount in USD, as 5 or "0.25", {said}')
        return None
    if not 0 <= amount <= MOST_USD:
        findings.add(0, path, f"`{path[-1]}` is an amount from 0 to {MOST_USD:,} USD")
        return None
    if microusd(amount) != amount * 1_000_000:
        findings.add(0, path, f"`{path[-1]}` has more than six decimals", caret="a millionth of a dollar is the least")
        return None
    return microusd(amount)


def lowest(own: Sequence[C], beside: Sequence[C]) -> tuple[list[C], list[str]]:
    """Return the lower ceiling of each sort, and what to say of those beside a graph that would raise one."""
    kept = {_sort(one): one for one in own}
    warnings = []
    for one in beside:
        known = kept.get(_sort(one))
        if known is None or _limit(one) <= _limit(known):
            kept[_sort(one)] = one
        else:
            warnings.append(f"{one.said} does not raise your own budget: {_limit_text(known)} stays ({known.said})")
    return list(kept.values()), warnings


def _lowest_each(found: Sequence[UnitCeiling]) -> list[UnitCeiling]:
    """Return one ceiling of a measure: minutes and hours of one table are both its seconds."""
    lows: dict[str, UnitCeiling] = {}
    for one in found:
        known = lows.get(one.measure)
        if known is None or one.limit < known.limit:
            lows[one.measure] = one
    return list(lows.values())


def _sort(one: Ceiling | UnitCeiling) -> tuple[str, str, str]:
    return one.per, one.provider, one.measure if isinstance(one, UnitCeiling) else ""


def _limit(one: Ceiling | UnitCeiling) -> int:
    return one.limit if isinstance(one, UnitCeiling) else one.limit_microusd


def _limit_text(one: Ceiling | UnitCeiling) -> str:
    if isinstance(one, UnitCeiling):
        return amount_text(one.limit, one.measure)
    return usd_text(one.limit_microusd, digits=2)
