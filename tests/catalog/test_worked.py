"""The list prices worked by hand in worked.toml, held against the catalog's. Knows no arithmetic of prices itself."""

from __future__ import annotations

import datetime
import re
from decimal import ROUND_CEILING, Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest
import tomli

from dagcontent.catalog import load
from dagcontent.catalog.effective import effective
from dagcontent.kinds.registry import KINDS
from dagcontent.values.quote import Quote
from dagcontent.values.types import Type

FACTS = re.compile(r"(?:([\d.]+) s)? ?(?:(\d+)x(\d+))?")


class Worked(msgspec.Struct, frozen=True, array_like=True):
    """One row: a request, how its price is worked out, and what that is. `usd` may be "?" and the most it may be."""

    model: str
    kind: str
    asked: dict[str, Any]
    words: str
    usd: str


class _List(msgspec.Struct, frozen=True, rename={"source": "from"}, forbid_unknown_fields=True):
    says: str
    source: str
    rows: list[Worked]
    but: str = ""


WRITTEN = tomli.loads(Path(__file__).with_name("worked.toml").read_text(encoding="utf-8"))
LISTS = msgspec.convert(WRITTEN["list"], list[_List])
AS_OF = datetime.date(2026, 11, 22)
WORKED = [row for one in LISTS for row in one.rows]


def _medium(type_: str, facts: str, media: Any) -> Any:
    found = FACTS.fullmatch(facts)
    assert found is not None, facts
    seconds, width, height = found.groups()
    measured: dict[str, Any] = {"duration_ms": round(float(seconds) * 1000)} if seconds else {}
    return media(type_, **measured, **({"width": int(width), "height": int(height)} if width else {}))


def _given(type_: Type, value: Any, media: Any) -> Any:
    """Return a parameter's value of what a row has for it: a medium of its facts, a text of its length."""
    if type_.artifact:
        return _medium(type_.name, value, media)
    if type_.name == "list" and isinstance(value, int):
        assert type_.item is not None
        return [media(type_.item.name, name) for name in "abcdef0123"[:value]]
    if type_.name == "text" and isinstance(value, int):
        return "x" * value
    return value


def _quote(row: Worked, media: Any, simple: Any) -> Quote:
    kind, model = KINDS[row.kind], load.find(row.model)
    assert model is not None
    asked = dict(row.asked)
    more = {name: asked.pop(name) for name in ("options", "today") if name in asked}
    params = simple(model, row.kind)
    for name, value in asked.items():
        param = kind.param(name)
        assert param is not None
        lines = name == "lines"
        params[name] = (
            [{"speaker": "anna", "text": "x" * count} for count in value] if lines else _given(param.type, value, media)
        )
    return effective(row.model, kind, params, snap="error", **more).quote


def _micro(usd: str) -> int:
    return int((Decimal(usd) * 1_000_000).to_integral_value(ROUND_CEILING))


def _by_hand(row: Worked) -> tuple[int | None, int | None]:
    """Return what is expected, and the most: of a row that is worked out nothing is said of the most."""
    if row.usd.startswith("? "):
        return None, _micro(row.usd.removeprefix("? "))
    return _micro(row.usd), None


@pytest.mark.parametrize("vendor", load.VENDORS)
def test_a_quote_is_what_the_vendors_list_comes_to_by_hand(vendor: str, media: Any, simple: Any) -> None:
    """Whoever holds a quote against the vendor's own list must come to the same amount, to the micro-dollar."""
    wrong = []
    for row in (row for row in WORKED if row.model.startswith(f"{vendor}/")):
        found = _quote(row, media, simple)
        expected, most = _by_hand(row)
        if (found.expected, found.high if most is not None else None) != (expected, most):
            wrong.append(f"{row.model} {row.kind}: {row.words} = {row.usd}, and the quote is {found}")
    assert not wrong, "\n".join(wrong)


def test_least_likely_and_most_are_in_order_and_every_charge_says_where_it_was_found(media: Any, simple: Any) -> None:
    """A bound below the price lets a budget be exceeded; a charge of no source or day cannot be looked up."""
    for row in WORKED:
        found = _quote(row, media, simple)
        assert found.charges, row
        assert found.high is not None, row
        assert found.low <= (found.high if found.expected is None else found.expected) <= found.high, row
        for charge in found.charges:
            assert charge.source, row
            assert charge.bound_nano >= charge.nano, row
            assert datetime.date.fromisoformat(charge.date) <= AS_OF, row


def test_every_priced_model_is_worked_by_hand() -> None:
    """A price that nobody worked out is one that nobody has checked: write the new model's row."""
    priced = {
        model.id for vendor in load.VENDORS for model in load.models(vendor) if model.prices and not model.gone(None)
    }
    assert priced - {row.model for row in WORKED} == set()


def test_no_row_is_there_twice_and_every_list_has_one() -> None:
    """What is asked twice is checked once; a list price of no row is checked never."""
    assert all(one.says and one.source and one.rows for one in LISTS)
    asked = [(row.model, row.kind, str(row.asked)) for row in WORKED]
    assert len(set(asked)) == len(asked)
