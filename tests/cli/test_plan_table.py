"""The table of a plan: it fits, it adds up, and what nobody knows is never nothing."""

from __future__ import annotations

import datetime as dt
import io
import re
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest
from click.testing import Result
from hypothesis import given
from hypothesis import strategies as st

from dagcontent.cli.columns import cells
from dagcontent.cli.money import Range
from dagcontent.cli.plan_ceilings import beyond
from dagcontent.cli.plan_costs import Costs
from dagcontent.cli.plan_text import plan_lines
from dagcontent.cli.screen import Screen
from dagcontent.plan.model import Plan, PlanRow, Price
from dagcontent.values.money import Ceiling, Room
from dagcontent.values.quote import Charge, Quote

Run = Callable[..., Result]
Same = Callable[[str, str], None]

TODAY = dt.date(2026, 11, 25)
GRAPH = """\
[graph]
name = "long"
budget_usd = 5

[node.script]
kind = "text.generate"
model = "openrouter/openai/gpt-6-luna"
prompt = "Give some scenes"
returns = { scenes = [{ id = "text", picture = "text" }] }
max_tokens = 300

[each.scene]
of = "${script.scenes}"
max = 8

[node.still]
kind = "image.generate"
model = "fal/fal-ai/flux/dev"
each = "scene"
prompt = "${scene.picture}"
size = "512x512"

[node.strange]
kind = "image.generate"
model = "fal/somebody/new-model"
prompt = "A lantern on a hill at dusk, seen from far away"

[[each.way.of]]
id = "one"
[[each.way.of]]
id = "two"
[[each.way.of]]
id = "three"

[node.voice]
kind = "speech.generate"
each = "way"
model = "elevenlabs/eleven_multilingual_v2"
voice = "Rachel"
text = "The lantern, ${way.id}"

[node.clip]
kind = "video.generate"
model = "fal/fal-ai/kling-video/v3/pro/image-to-video"
prompt = "The sun goes down"
start_image = "${strange}"
duration = 5.2

[node.sheet]
kind = "image.grid"
images = "${still}"
output = "sheet"
"""
COVER = """
[node.cover]
kind = "image.generate"
model = "openai/gpt-image-2"
prompt = "A lantern"
size = "1024x1024"
"""

usd = st.integers(0, 3) | st.integers(0, 10**5) | st.integers(0, 10**9)
ranges = st.none() | st.builds(
    lambda three, unknown, least: Range(
        0 if least else min(three), None if unknown == 2 else sorted(three)[1], None if unknown else max(three)
    ),
    st.lists(usd, min_size=3, max_size=3),
    st.sampled_from([0, 0, 0, 1, 2]),
    st.booleans(),
)


def amount(text: str) -> Decimal | None:
    return None if text == "$?" else Decimal(text.removeprefix("$").replace(",", ""))


def told(text: str) -> tuple[Decimal, Decimal | None]:
    """Return the least and the most that a cell of costs says."""
    if text.startswith("up to"):
        return Decimal(0), amount(text[5:].strip())
    least, to, most = text.partition(" to ")
    known = amount(least.strip())
    return (known, amount(most.strip())) if to and known is not None else (known or Decimal(0), known)


@given(st.lists(ranges, max_size=8))
def test_what_is_shown_adds_up(lines: list[Range | None]) -> None:
    """Whoever adds the rows gets the head's amounts, to the last digit; a sum with an unknown in it says so."""
    costs = Costs(lines)
    texts = [cell for cell in costs.amounts([True] * len(lines)) if isinstance(cell, str)]
    found = [told(text) for text in texts]
    if not found:
        return
    likely = [amount(text) for text in costs.expected() if text]
    highs = [high for _, high in found]
    for said, amounts in zip(costs.sums, (likely, [low for low, _ in found], highs), strict=True):
        parts = said.split(" + ")
        assert (parts[-1] == "$?") == (None in amounts)
        assert sum(amount(part) or 0 for part in parts) == sum(one or 0 for one in amounts)
    assert costs.head.startswith(f"{costs.sums[0]} expected")
    assert costs.sums[2] in costs.head


@given(st.lists(ranges, max_size=8))
def test_what_is_shown_is_no_less_than_it_is(lines: list[Range | None]) -> None:
    """An upper bound is rounded up, a lower one down; nothing that may cost something is shown as nothing, nor what nobody knows."""
    costs = Costs(lines)
    for line, cell, likely in zip(lines, costs.amounts([True] * len(lines)), costs.expected(), strict=True):
        if line is None:
            assert cell == ("dim", "free")
            continue
        assert isinstance(cell, str)
        low, high = told(cell)
        assert (high is None) == (line.high is None)
        assert high is None or line.high is None or high * 10**6 >= line.high
        assert low * 10**6 <= line.low or low == high
        assert (likely == "$?") == (line.expected is None)
        assert line.expected is None or not line.expected or amount(likely)


charges = st.builds(
    Charge,
    unit=st.sampled_from(["image", "second", "1000 characters", "output token", "a very long unit of something"]),
    low=st.sampled_from([0.0, 1.0, 1234.5]),
    expected=st.none() | st.sampled_from([1.0, 1234.5, 10.0**7]),
    high=st.none() | st.sampled_from([1.0, 1234.5, 10.0**7]),
    nano=st.integers(0, 10**12),
    bound_nano=st.integers(0, 10**12),
    source=st.sampled_from(["", "a page", "a reading of somebody else's pages of some time ago, as it was then"]),
    date=st.sampled_from(["", "2026-01-01", "2026-11-01"]),
    confidence=st.sampled_from(["", "unsure"]),
)
prices = st.builds(
    lambda one, two, three, unknown, charges, note: Price(
        operation="queue", recovery="ask", notes=(note,) if note else (),
        quote=Quote(
            low=min(one, two, three), expected=None if unknown else sorted([one, two, three])[1],
            high=None if unknown else max(one, two, three), charges=tuple(charges),
        ),
    ),
    usd, usd, usd, st.booleans(), st.lists(charges, max_size=2), st.sampled_from(["", "duration 5.2 s -> 6 s (what the model allows)"]),
)  # fmt: skip
nodes = st.sampled_from(
    ["a", "still[*]", "clip[x]", "clip[y]", "clip[z]", "a-node-with-a-name-that-goes-on[and-so-on]"]
)
plan_rows = st.builds(
    lambda node, status, price, items, cost: PlanRow(
        node, "image.generate", "fal/fal-ai/kling-video/v3/pro/image-to-video" if price else "", status, cause="new",
        price=price, items_max=items if node.endswith("*]") else None, cost_microusd=cost if status == "hit" else 0,
    ),
    nodes, st.sampled_from(["run", "maybe", "hit", "repay", "resume", "unresolved", "blocked"]), st.none() | prices,
    st.none() | st.integers(1, 10**4), usd,
)  # fmt: skip
rooms = st.builds(
    lambda per, limit, used, provider: Room(
        Ceiling(per, limit, f"per_{per}_usd in /home/somebody/.config/dagcontent/config.toml", provider), used
    ),
    st.sampled_from(["run", "day", "graph"]), usd, usd, st.sampled_from(["", "fal"]),
)  # fmt: skip
plans = st.builds(
    lambda rows, ceilings: Plan("g", tuple(rows), ceilings=tuple(ceilings)),
    st.lists(plan_rows, max_size=8, unique_by=lambda row: row.node), st.lists(rooms, max_size=3),
)  # fmt: skip


@given(plans, st.sampled_from([80, 100, 120, 200]), st.booleans())
def test_no_line_is_wider_than_the_screen(plan: Plan, width: int, verbose: bool) -> None:
    """Whatever stands in a plan, a terminal of 80 columns shows it without breaking a line."""
    screen = Screen(environment={"COLUMNS": str(width)}, out=io.StringIO(), err=io.StringIO(), verbose=verbose)
    lines = plan_lines(plan, screen, "graph.toml", TODAY)
    assert max(map(cells, lines)) <= width
    unknown = any(row.buys and row.most_microusd is None for row in plan.rows)
    assert unknown == ("$?" in "\n".join(lines))
    assert unknown == ("nobody knows what this may cost" in re.sub(r"\s+", " ", "\n".join(lines)))


@given(plans)
def test_what_would_not_start_is_what_does_not_fit(plan: Plan) -> None:
    """Under every ceiling the rest fits at its most; and where all of it fits, nothing is named."""
    named = {row.node: i for i, (_, rows) in enumerate(beyond(plan)) for row in rows}
    buys = [row for row in plan.paid if row.status != "repay"]
    for room in plan.ceilings:
        own = [row for row in buys if room.ceiling.provider in {"", row.model.partition("/")[0]}]
        assert sum(row.most_microusd or 0 for row in own if row.node not in named) <= room.left_microusd
    if all(sum(row.most_microusd or 0 for row in buys) <= room.left_microusd for room in plan.ceilings):
        assert named == {}


@pytest.mark.parametrize("columns", ["80", "120", "200"])
def test_a_plan_on_the_screen(run: Run, here: Path, same: Same, monkeypatch: pytest.MonkeyPatch, columns: str) -> None:
    """Word for word: a list of unknown length, a price that nobody knows, a snapped value, ceilings, and what each price is made of."""
    monkeypatch.setenv("COLUMNS", columns)
    (here / "config.toml").write_text("[budget]\nper_day_usd = 3\n[budget.provider.fal]\nper_run_usd = 2\n")
    monkeypatch.setenv("DAGCONTENT_CONFIG", "config.toml")
    (here / "long.toml").write_text(GRAPH + COVER, encoding="utf-8")
    screens = ""
    for options in ([], ["--budget", "0.50"], ["cover", "--budget", "2"], ["-v"]):
        found = run("plan", "long.toml", *options)
        assert found.exit_code == 0, found.stderr
        assert max(map(len, found.stdout.splitlines())) <= int(columns)
        screens += f"== plan {' '.join(options)}\n{found.stdout}\n"
    same(f"plan_{columns}.txt", screens)


def test_a_budget_that_is_enough_is_the_one_to_copy(run: Run, here: Path) -> None:
    """The command at the end is the one that was asked about; where it stops early, the one that does not stands below."""
    (here / "g.toml").write_text(
        '[node.a]\nkind = "image.generate"\nmodel = "fal/fal-ai/flux/dev"\nprompt = "x"\nsize = "512x512"\n'
    )
    enough = run("plan", "g.toml", "--budget", "1").stdout
    assert "dagcontent build g.toml --budget 1.00\n" in enough
    assert "beyond" not in enough
    short = run("plan", "g.toml", "--budget", "0.01").stdout
    assert "--budget: a (up to $0.032) may not start" in short
    assert "dagcontent build g.toml --budget 0.01" in short
    assert "dagcontent build g.toml --budget 0.04" in short
    assert run("plan", "g.toml", "--budget", "much").exit_code == 2


def test_the_graphs_of_a_plan_can_be_replaced() -> None:
    """A row's most counts a list at its longest, and what is not bought at nothing."""
    price = Price(quote=Quote(low=1, expected=2, high=3))
    row = PlanRow("a[*]", "k", "fal/m", "maybe", items_max=4, price=price)
    assert row.most_microusd == 12
    assert msgspec.structs.replace(row, items_max=None).most_microusd is None
    assert msgspec.structs.replace(row, status="hit").most_microusd == 0
