from __future__ import annotations

import datetime
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from dagcontent import api
from dagcontent.api.choosing import Wanted, abilities, chosen, list_price, stale
from dagcontent.api.models import sheets
from dagcontent.api.upkeep import Upkeep, document, of_catalog, of_graph
from dagcontent.catalog.effective import effective
from dagcontent.catalog.load import find, models
from dagcontent.catalog.market import Market
from dagcontent.errors import GraphError
from dagcontent.kinds.registry import KINDS

TODAY = datetime.date(2026, 11, 22)
ENDS = '[node.pic]\nkind = "image.generate"\nmodel = "openai/gpt-image-1.5"\nprompt = "a ${s}"\nsize = "1536x1024"\neach = "s"\n'
GONE = '[node.clip]\nkind = "video.generate"\nmodel = "fal/fal-ai/veo3"\nprompt = "x"\nduration = 9\n'


def looked_at(folder: Path, text: str, today: datetime.date = TODAY, market: Market | None = None) -> dict[str, Upkeep]:
    path = folder / "graph.toml"
    path.write_text(f'[graph]\nname = "g"\n{text}', encoding="utf-8")
    found = of_graph(api.load(path), folder / "store", market or Market(), today)
    return {one.model: one for one in found}


def quoted(model: str, params: Mapping[str, Any]) -> tuple[int, int]:
    quote = effective(model, KINDS["image.generate"], params, today=TODAY).quote
    assert quote.expected is not None
    assert quote.high is not None
    return quote.expected, quote.high


def test_a_change_is_priced_by_the_nodes_own_requests(tmp_path: Path) -> None:
    """Not by a list price a unit: by what these instances, with this size, cost here and there."""
    (found,) = looked_at(tmp_path, f'[each]\ns = ["hare", "owl"]\n{ENDS}').values()
    assert (found.retired, found.days, found.ended, found.successor) == (
        "2026-12-01",
        9,
        False,
        "openai/gpt-image-2.6-flare",
    )
    (change,) = found.changes
    assert (change.node, change.requests, change.open, change.lacks, change.line) == ("pic", 2, False, (), 7)
    for quote, model in ((change.now, found.model), (change.then, found.successor)):
        each = [quoted(model, {"prompt": f"a {s}", "size": "1536x1024"}) for s in ("hare", "owl")]
        assert quote is not None
        assert (quote.expected, quote.high) == (sum(row[0] for row in each), sum(row[1] for row in each))
    data = document(found)
    assert data["changes"][0]["then_usd"]["high"] == f"{Decimal(change.then.high) / 10**6}"  # type: ignore[union-attr, arg-type]


def test_what_the_successor_cannot_take_is_named(tmp_path: Path) -> None:
    """A price for a request that would be refused is none."""
    (found,) = looked_at(tmp_path, GONE).values()
    assert (found.ended, found.successor) == (True, "fal/fal-ai/veo3.1")
    (change,) = found.changes
    assert change.lacks == ("`duration` is 9 s, and fal/fal-ai/veo3.1 takes 4, 6, 8 s",)
    assert change.then is None
    (found,) = looked_at(tmp_path, f'{GONE}snap = "down"\n').values()
    assert found.changes[0].lacks == ()
    assert found.changes[0].then is not None
    assert found.changes[0].then.charges[0].expected == 8


def test_a_list_that_is_still_to_be_made_is_said_to_be_open(tmp_path: Path) -> None:
    """A cost of none of them would read as free."""
    text = (
        '[each.s]\nof = "${lines}"\nmax = 9\n[node.words]\nkind = "text.generate"\nmodel = "local/outline"\nprompt = "x"\n'
        f'[node.lines]\nkind = "text.split"\ntext = "${{words}}"\nby = "line"\n{ENDS}'
    )
    (found,) = looked_at(tmp_path, text).values()
    assert [(one.requests, one.open, one.now) for one in found.changes] == [(0, True, None)]


@pytest.mark.parametrize(("days", "old"), [(90, False), (91, True)])
def test_prices_are_old_after_ninety_days(tmp_path: Path, days: int, old: bool) -> None:
    """The day counts; a price of the user's own is as old as the user says."""
    model = find("fal/fal-ai/flux/dev")
    assert model is not None
    price = model.prices[0]
    today = price.date + datetime.timedelta(days=days)
    text = '[node.a]\nkind = "image.generate"\nmodel = "fal/fal-ai/flux/dev"\nprompt = "x"\n'
    (found,) = looked_at(tmp_path, text, today).values()
    assert (found.due, bool(found.old)) == (old, old)
    assert not old or found.old == (("megapixel", price.date.isoformat(), price.source),)
    own = Market(own={model.id: (type(price)(unit="image", rates=price.rates, source="mine", date=today),)})
    (found,) = looked_at(tmp_path, text, today, own).values()
    assert not found.due


def test_counts_are_of_the_catalog() -> None:
    """Told again from the entries."""
    counts = of_catalog(Market(), TODAY)
    there = [model for model in models() if model.retired is None or model.retired > TODAY]
    assert (counts.models, counts.ended) == (len(there), len(models()) - len(there))
    assert counts.ending == sum(model.retired is not None and (model.retired - TODAY).days <= 90 for model in there)
    assert 0 < counts.stale < counts.models


@pytest.mark.slow
def test_a_graph_of_a_model_that_is_no_more_can_be_looked_at_and_is_not_built(tmp_path: Path) -> None:
    """It loads, so that it can be told what comes after; nothing beside it is paid for on the way to a failure."""
    path = tmp_path / "graph.toml"
    other = '[node.pic]\nkind = "image.generate"\nmodel = "fal/fal-ai/flux/dev"\nprompt = "x"\n'
    path.write_text(f"{GONE}{other}", encoding="utf-8")
    (mistake,) = api.find_mistakes(path)
    assert (mistake.line, mistake.warning, mistake.caret) == (3, False, 'write model = "fal/fal-ai/veo3.1"')
    rows = {row.node: row for row in api.plan(path, store=tmp_path / "store").rows}
    assert (rows["clip"].status, rows["pic"].status) == ("failed", "run")
    assert rows["clip"].error == "fal/fal-ai/veo3 was retired on 2026-08-02"
    with pytest.raises(GraphError, match="1 mistake") as caught:
        api.build(path, store=tmp_path / "store", spending=api.Spending(yes=True))
    assert [one.line for one in caught.value.mistakes] == [3]


# -- lists of models ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("unit", ["second", "image", "1000 characters", "output token"])
def test_a_list_by_price_is_sorted_and_whole(unit: str) -> None:
    """What costs less is not below what costs more, and nothing that is priced by the unit is left out."""
    found = chosen(sheets(today=TODAY), Wanted(unit=unit), TODAY)
    prices = [list_price(one, unit, TODAY) or 0 for one in found]
    assert prices == sorted(prices)
    wanted = {
        model.id
        for model in models()
        if not model.gone(TODAY) and any(p.unit == unit and p.rates[-1].list_nano for p in model.prices)
    }
    assert {one.model.id for one in found} == wanted
    middle = prices[len(prices) // 2]
    per = {"1000 characters": 1000, "output token": 10**6}.get(unit, 1)
    under = chosen(sheets(today=TODAY), Wanted(unit=unit, under_usd=Decimal(middle) * per / 10**9), TODAY)
    assert [one.model.id for one in under] == [
        one.model.id for one, price in zip(found, prices, strict=True) if price <= middle
    ]


def test_filters_are_all_held_and_leave_out_what_is_no_more() -> None:
    """A model that is gone is no answer to what can be had; asked for, it is the only one."""
    everything = sheets(today=TODAY)
    gone = chosen(everything, Wanted(retired=True), TODAY)
    assert {one.model.id for one in gone} == {model.id for model in models() if model.gone(TODAY)}
    soon = chosen(everything, Wanted(within_days=9), TODAY)
    assert {one.model.retired for one in soon} == {datetime.date(2026, 12, 1)}
    old = chosen(everything, Wanted(stale=True), TODAY)
    assert all(any(stale(price, TODAY) for price in one.model.prices) and not one.gone for one in old)
    able = chosen(
        everything, Wanted(kind="video.generate", can=abilities(["sound", "duration:12", "end_frame"])), TODAY
    )
    assert able
    assert {one.model.id for one in able} <= {model.id for model in models() if "video.generate" in model.kinds}
