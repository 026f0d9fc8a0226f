"""The journal of paid requests into sums: who was paid how much for what, and how that is known. Knows no vendor, writes nothing.

spent = reported + computed + estimated + unknown        settled; failures that were charged and what was given up too
reserved                                                 beside it: what is under way or unresolved, at its upper bound
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

import msgspec

from dagcontent.errors import UsageError
from dagcontent.store.journal import LEDGER_KEYS, LedgerSum
from dagcontent.store.store import open_store

__all__ = ["WAYS", "Since", "Spend", "SpendRow", "Unsaid", "since_of", "spend"]

WAYS: Final = tuple(LEDGER_KEYS)
"""What sums can be asked by."""
_HOURS: Final = {"h": 1, "d": 24, "w": 24 * 7}
_AGO: Final = re.compile(r"(\d{1,5})([hdw])")
_HOUR_MS: Final = 3_600_000
_GIVEN_UP: Final = frozenset({"abandoned", "superseded", "expired"})
_OPEN: Final = frozenset({"intent", "submitted", "spooled", "unresolved"})


class Since(msgspec.Struct, frozen=True):
    """From when on: a date in UTC, or a moment in ms since 1970; `said` is how it was written."""

    said: str = ""
    day: str = ""
    ms: int = 0


class SpendRow(msgspec.Struct, frozen=True, kw_only=True):
    """Sums in micro-USD. `spent` is what `reported`, `computed`, `estimated` and `unknown` are together.

    `failed` and `given_up` are parts of it: failures that were charged, and requests whose result nobody has (abandoned, sent
    again, kept no longer). `requests` counts all, `free` those among them that were not sent or not charged. `unpriced` are
    in no sum: nobody knows their cost or a bound of it.
    """

    name: str
    graph: str = ""
    requests: int = 0
    free: int = 0
    spent: int = 0
    reported: int = 0
    computed: int = 0
    estimated: int = 0
    unknown: int = 0
    reserved: int = 0
    failed: int = 0
    given_up: int = 0
    unpriced: int = 0


class Unsaid(msgspec.Struct, frozen=True):
    """A vendor that did not say what some requests cost: how many list prices or bounds count for, and how much."""

    provider: str
    source: str
    requests: int
    microusd: int


class Spend(msgspec.Struct, frozen=True):
    """Rows, the dearest first (days and runs in their order), their total, and where it is no vendor's word."""

    by: str
    since: Since
    rows: tuple[SpendRow, ...]
    total: SpendRow
    unsaid: tuple[Unsaid, ...] = ()


def since_of(text: str, now_ms: int) -> Since:
    """Return what "2026-11-01", "7d", "24h" or "2w" means. Raises UsageError."""
    found = _AGO.fullmatch(text.strip())
    if found is not None:
        return Since(text.strip(), ms=max(0, now_ms - int(found[1]) * _HOURS[found[2]] * _HOUR_MS))
    try:
        return Since(text.strip(), day=dt.date.fromisoformat(text.strip()).isoformat())
    except ValueError:
        raise UsageError(
            f"--since {text}: it is no date and no time ago",
            hint="as in 2026-11-01 (a day of UTC), 24h, 7d or 2w",
        ) from None


def spend(store: Path, by: str = "provider", since: Since | None = None, graph: Path | None = None) -> Spend:
    """Return what was spent; nothing where there is no store. Raises StoreError.

    `graph` is the file of a graph: only what was paid for it.
    """
    since = since or Since()
    with open_store(store, write=False) as opened:
        sums = opened.attempts.ledger(
            by, since_day=since.day, since_ms=since.ms, graph=None if graph is None else str(graph)
        )
    return summed(by, since, sums)


def summed(by: str, since: Since, sums: Sequence[LedgerSum]) -> Spend:
    """Return rows, total and what is unsaid, of the journal's sums."""
    groups: dict[str, list[LedgerSum]] = {}
    for one in sums:
        groups.setdefault(one.key, []).append(one)
    rows = [_row(key, by, group) for key, group in groups.items()]
    rows.sort(key=lambda row: row.name if by in {"day", "run"} else (-row.spent - row.reserved, row.name, row.graph))
    return Spend(by, since, tuple(rows), _row("total", "", sums), tuple(_unsaid(sums)))


def _row(key: str, by: str, group: Sequence[LedgerSum]) -> SpendRow:
    def cost(sums: Iterable[LedgerSum]) -> int:
        return sum(one.cost for one in sums)

    graph, _, name = key.rpartition("\n") if by == "node" else ("", "", key)
    return SpendRow(
        name=name,
        graph=key if by == "graph" else graph,
        requests=sum(one.attempts for one in group),
        free=sum(one.attempts for one in group if one.state == "released"),
        spent=cost(group),
        **{source: cost(o for o in group if o.source == source) for source in ("reported", "computed", "estimated")},
        unknown=cost(one for one in group if one.source in {"unknown", ""}),
        reserved=sum(one.held for one in group),
        failed=cost(one for one in group if one.state == "charged"),
        given_up=cost(one for one in group if one.state in _GIVEN_UP),
        unpriced=sum(one.unbounded for one in group if one.state in _OPEN or _nobody_said(one)),
    )


def _nobody_said(one: LedgerSum) -> bool:
    return one.state != "released" and one.state not in _OPEN and one.source in {"unknown", ""}


def _unsaid(sums: Sequence[LedgerSum]) -> list[Unsaid]:
    found: dict[tuple[str, str], Unsaid] = {}
    for one in sums:
        source = "unknown" if _nobody_said(one) else one.source
        if source not in {"estimated", "unknown"} or one.state in _OPEN:
            continue
        before = found.get((one.provider, source), Unsaid(one.provider, source, 0, 0))
        found[one.provider, source] = Unsaid(
            one.provider, source, before.requests + one.attempts, before.microusd + one.cost
        )
    return [found[key] for key in sorted(found)]
