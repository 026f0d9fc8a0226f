"""A plan that was agreed to, against what a build would do now: what became dearer, and what is another request. Knows no file.

    then            now             is
    run, maybe      hit, resume     fine: it costs nothing more
    run             run             fine if the key is the same and the most it may cost is not more
    run             run, of a fallback that was agreed to: fine if as much is written as then
    maybe           run, maybe      fine if as much is written as then, and within what was agreed to
    still[*] x8     still[a] ...    fine if there are no more than 8, and all of them within its most
    anything else   run, maybe      refused: nobody agreed to it

What is free is not looked at: a paid request that depends on it has another key then.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from dagcontent.plan.model import Plan, PlanRow
from dagcontent.values.instances import parts_of
from dagcontent.values.money import usd_text

__all__ = ["Difference", "Promise", "Promised", "differences"]

_SHORT = 8


class Promised(msgspec.Struct, frozen=True, kw_only=True):
    """One row that costs money, as it was agreed to. `asks` is what is written of it; `items_max` bounds a list not known then;
    `fallbacks` are the models that were agreed to as well, where `model` is refused.
    """

    node: str
    model: str
    status: str
    key: str | None
    asks: str | None
    most_microusd: int | None
    items_max: int | None = None
    fallbacks: tuple[str, ...] = ()


class Promise(msgspec.Struct, frozen=True, kw_only=True):
    """The rows of a plan that may be paid for, and how it is called to people."""

    said: str
    rows: tuple[Promised, ...]

    @classmethod
    def of(cls, plan: Plan, said: str) -> Promise:
        """Return what a plan that was made to be held to (`binding`) says."""
        rows = tuple(
            Promised(
                node=row.node, model=row.model, status=row.status, key=row.key, asks=row.asks,
                most_microusd=row.most_microusd, items_max=row.items_max, fallbacks=row.fallbacks,
            )
            for row in plan.rows
            if row.may_cost
        )  # fmt: skip
        return cls(said=said, rows=rows)

    @property
    def most_microusd(self) -> int:
        """The most that may be spent in all; what nobody knew the price of counts nothing."""
        return sum(row.most_microusd or 0 for row in self.rows)


class Difference(msgspec.Struct, frozen=True):
    """One node that is not as it was agreed to, then and now; `dearer`: the same request at a higher price."""

    node: str
    then: str
    now: str
    dearer: bool = False


def differences(promise: Promise, plan: Plan, buys: Iterable[PlanRow]) -> list[Difference]:
    """Return what a build that buys these rows of a plan would do otherwise than was agreed to, in the plan's order."""
    agreed = {row.node: row for row in promise.rows}
    others = {row.node: row for row in plan.rows}
    parts: dict[str, list[PlanRow]] = {}
    found: list[Difference] = []
    for row in buys:
        then = agreed.get(row.node)
        if then is None:
            then = next((agreed[name] for name in _lists_over(row.node) if name in agreed), None)
        if then is None:
            found.append(Difference(row.node, "not in the plan", _amount(row.most_microusd)))
        elif then.node != row.node:
            parts.setdefault(then.node, []).append(row)
        else:
            found += _of_one(then, row)
    for name, rows in parts.items():
        found += _of_list(agreed[name], rows)
    return sorted(found, key=lambda one: _place(others, one.node))


def _of_one(then: Promised, row: PlanRow) -> list[Difference]:
    """Compare a row with itself."""
    other = _other_request(then, row)
    if other is not None:
        return [other]
    if row.is_list and then.items_max is not None and (row.items_max is None or row.items_max > then.items_max):
        return [Difference(row.node, f"at most {then.items_max:,}", _count(row.items_max))]
    return _dearer(row.node, then, row.most_microusd)


def _of_list(then: Promised, rows: Sequence[PlanRow]) -> list[Difference]:
    """Compare a list that was not known with the instances it has now."""
    others = [other for row in rows if (other := _other_request(then, row)) is not None]
    if others:
        return others
    if then.items_max is not None and len(rows) > then.items_max:
        return [Difference(then.node, f"at most {then.items_max:,}", f"{len(rows):,}")]
    amounts = [row.most_microusd for row in rows]
    most = None if None in amounts else sum(amount or 0 for amount in amounts)
    return _dearer(then.node, then, most)


def _other_request(then: Promised, row: PlanRow) -> Difference | None:
    if row.passed and row.model in then.fallbacks and then.asks is not None and then.asks == row.asks:
        return None  # it was agreed to, and who was to be asked first was refused since
    if then.model != row.model:
        return Difference(row.node, then.model or "a model not known yet", row.model or "a model not known yet")
    if then.key is not None and row.key is not None:
        if then.key == row.key:
            return None
        return Difference(row.node, f"key {then.key[:_SHORT]}", f"key {row.key[:_SHORT]}: other parameters or inputs")
    if then.key is not None:
        return Difference(row.node, f"key {then.key[:_SHORT]}", "not known: an input is to be made again")
    if then.asks is None or then.asks != row.asks:
        return Difference(row.node, "as it was written", "edited, or what it depends on was")
    return None


def _dearer(node: str, then: Promised, now: int | None) -> list[Difference]:
    if then.most_microusd is None or (now is not None and now <= then.most_microusd):
        return []
    return [Difference(node, _amount(then.most_microusd), _amount(now), dearer=True)]


def _lists_over(node: str) -> Iterable[str]:
    """Yield the names of lists that an instance may have been part of: `still[a,b]` of `still[a,*]` and `still[*,*]`."""
    parts = [(name, [] if inside is None else _labels(inside)) for name, inside in parts_of(node) or ()]
    for known in range(sum(len(labels) for _, labels in parts) - 1, -1, -1):
        made, left = "", known
        for name, labels in parts:
            here = [label if at < left else "*" for at, label in enumerate(labels)]
            made += f"{name}[{','.join(here)}]" if here else name
            left -= len(labels)
        yield made


def _labels(inside: str) -> list[str]:
    """Return labels as they are written in a name, quotes and all."""
    labels, quoted, escaped = [""], False, False
    for char in inside:
        if char == "," and not quoted:
            labels.append("")
            continue
        labels[-1] += char
        if char == "'" and not escaped:
            quoted = not quoted
        escaped = char == "\\" and not escaped
    return labels


def _place(rows: Mapping[str, PlanRow], node: str) -> int:
    return next((place for place, name in enumerate(rows) if name == node), len(rows))


def _amount(microusd: int | None) -> str:
    return "$?" if microusd is None else f"at most {usd_text(microusd)}"


def _count(items: int | None) -> str:
    return "any number" if items is None else f"{items:,}"
