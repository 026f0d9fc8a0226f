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
from dagcontent.kinds.declaration import Param
from dagcontent.kinds.registry import KINDS
from dagcontent.values.quote import Quote

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
AS_OF: datetime.date = WRITTEN["as_of"]
LISTS = msgspec.convert(WRITTEN["list"], list[_List])
WORKED = [row for one in LISTS for row in one.rows]
PRICED = [model for vendor in load.VENDORS for model in load.models(vendor) if model.prices and not model.gone(AS_OF)]


def _medium(type_: str, facts: str, media: Any) -> Any:
    found = FACTS.fullmatch(facts)
    assert found is not None, facts
    seconds, width, height = found.groups()
    measured: dict[str, Any] = {"duration_ms": round(float(seconds) * 1000)} if seconds else {}
    return media(type_, **measured, **({"width": int(width), "height": int(height)} if width else {}))


def _given(param: Param, value: Any, media: Any) -> Any:
    """Return a parameter's value of what a row has for it: a medium of its facts, a text of its length, a list of its count."""
    type_ = param.type
    if param.name == "lines":
        return [{"speaker": "anna", "text": "x" * count} for count in value]
    if type_.artifact:
        return _medium(type_.name, value, media)
    if type_.item is not None:
        return [media(type_.item.name, name) for name in "abcdef0123"[:value]]
    return "x" * value if type_.name == "text" and isinstance(value, int) else value


def _quote(row: Worked, media: Any, simple: Any) -> Quote:
    kind, model = KINDS[row.kind], load.find(row.model)
    assert model is not None
    params, asked = simple(model, row.kind), dict(row.asked)
    options, today = asked.pop("options", None), asked.pop("today", AS_OF)
    for name, value in asked.items():
        param = kind.param(name)
        assert param is not None
        params[name] = _given(param, value, media)
    return effective(row.model, kind, params, options, snap="error", today=today).quote


def _micro(usd: str) -> int:
    return int((Decimal(usd) * 1_000_000).to_integral_value(ROUND_CEILING))


def _by_hand(row: Worked) -> tuple[int | None, int | None]:
    """Return what is expected, and the most: of a row that is worked out nothing is said of the most."""
    if row.usd.startswith("? "):
        return None, _micro(row.usd.removeprefix("? "))
    return _micro(row.usd), None


@pytest.fixture(scope="module")
def quoted(media: Any, simple: Any) -> list[tuple[Worked, Quote]]:
    """Give every row with the quote of its request."""
    return [(row, _quote(row, media, simple)) for row in WORKED]


@pytest.mark.parametrize("vendor", load.VENDORS)
def test_a_quote_is_what_the_vendors_list_comes_to_by_hand(vendor: str, quoted: list[tuple[Worked, Quote]]) -> None:
    """Whoever holds a quote against the vendor's own list must come to the same amount, to the micro-dollar."""
    wrong = []
    for row, found in quoted:
        expected, most = _by_hand(row)
        same = found.expected == expected and most in {None, found.high}
        if row.model.startswith(f"{vendor}/") and not same:
            wrong.append(f"{row.model} {row.kind}: {row.words} = {row.usd}, and the quote is {found}")
    assert not wrong, "\n".join(wrong)


def test_least_likely_and_most_are_in_order_and_every_charge_says_where_it_was_found(
    quoted: list[tuple[Worked, Quote]],
) -> None:
    """A bound below the price lets a budget be exceeded; a charge of no source or day cannot be looked up."""
    for row, found in quoted:
        assert found.charges, row
        assert found.high is not None, row
        assert found.low <= (found.high if found.expected is None else found.expected) <= found.high, row
        for charge in found.charges:
            assert charge.source, row
            assert charge.bound_nano >= charge.nano, row
            assert datetime.date.fromisoformat(charge.date) <= AS_OF, row


def test_every_priced_model_is_worked_by_hand() -> None:
    """A price that nobody worked out is one that nobody has checked: write the new model's row."""
    assert {model.id for model in PRICED} - {row.model for row in WORKED} == set()


def test_every_rate_of_a_price_is_worked_by_hand(quoted: list[tuple[Worked, Quote]]) -> None:
    """A resolution, a quality or a day of whose price there is no example is one that nobody has checked."""
    worked: dict[str, set[int]] = {}
    for row, found in quoted:
        model = load.find(row.model)
        assert model is not None
        for price, charge in zip(model.prices, found.charges, strict=True):
            worked.setdefault(str(price.rates), set()).add(charge.nano)
    for model in PRICED:
        for price in model.prices:
            rates = {rate.list_nano for rate in price.rates}
            assert rates <= worked.get(str(price.rates), set()), (model.id, price.unit)


def test_no_row_is_there_twice_and_every_list_has_one() -> None:
    """What is asked twice is checked once; a list price of no row is checked never."""
    assert all(one.says and one.source and one.rows for one in LISTS)
    asked = [(row.model, row.kind, str(row.asked)) for row in WORKED]
    assert len(set(asked)) == len(asked)
