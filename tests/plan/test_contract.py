"""What was agreed to against what a build would do: nothing dearer, nothing else. Whole builds are in `tests/paid`."""

from __future__ import annotations

import msgspec
from hypothesis import assume, given
from hypothesis import strategies as st

from dagcontent.plan.contract import Difference, Promise, differences
from dagcontent.plan.model import Plan, PlanRow, Price
from dagcontent.plan.passed import Passed
from dagcontent.plan.unit import instance_name
from dagcontent.values.quote import Quote
from dagcontent.values.refusal import Refusal

amounts = st.integers(0, 10**7)
labels = st.lists(st.text(min_size=1, max_size=6), min_size=1, max_size=3)


def row_of(
    node: str, high: int | None, *, key: str | None = None, asks: str = "w", status: str = "run", **more: object
) -> PlanRow:
    price = Price(quote=Quote(low=0, expected=high, high=high))
    row = PlanRow(node, "image.generate", "fal/m", status, key=key, asks=asks, price=price)
    return msgspec.structs.replace(row, **more)


def held(then: list[PlanRow], now: list[PlanRow]) -> list[Difference]:
    promise = Promise.of(Plan("g", tuple(then)), "plan.json")
    plan = Plan("g", tuple(now))
    return differences(promise, plan, plan.paid)


rows = st.lists(
    st.builds(
        row_of,
        st.sampled_from([instance_name("still", [str(n)]) for n in range(6)]),
        st.none() | amounts,
        key=st.none() | st.sampled_from(["a" * 64, "b" * 64]),
        asks=st.sampled_from(["w", "v"]),
        status=st.sampled_from(["run", "maybe", "repay"]),
    ),
    max_size=6,
    unique_by=lambda row: row.node,
)


@given(rows)
def test_the_same_plan_is_what_was_agreed_to(plan: list[PlanRow]) -> None:
    """Whoever approves a plan gets that build, if nothing happens in between."""
    assert held(plan, plan) == []


@given(rows, st.data())
def test_what_is_made_meanwhile_is_no_difference(plan: list[PlanRow], data: st.DataObject) -> None:
    """Another build of the same graph makes things cheaper: hits and requests under way cost nothing more."""
    now = [
        msgspec.structs.replace(row, status=data.draw(st.sampled_from([row.status, "hit", "resume", "unresolved"])))
        for row in plan
    ]
    assert held(plan, now) == []


@given(rows, st.data())
def test_what_is_bought_is_what_was_agreed_to_at_no_more(plan: list[PlanRow], data: st.DataObject) -> None:
    """Held against any other plan: if nothing is refused, every request has its row, the same key, and the sum is within the sum."""
    other = data.draw(rows)
    if held(plan, other):
        return
    then = {row.node: row for row in plan}
    for row in other:
        agreed = then[row.node]
        assert agreed.key in {None, row.key}
        assert agreed.key is not None or agreed.asks == row.asks
        assert agreed.most_microusd is None or (row.most_microusd or 0) <= agreed.most_microusd
    known = [row for row in other if then[row.node].most_microusd is not None]
    assert sum(row.most_microusd or 0 for row in known) <= sum(row.most_microusd or 0 for row in plan)


@given(amounts, st.integers(1, 10**6))
def test_a_higher_price_is_dearer_and_said_so(high: int, more: int) -> None:
    """The same request at another price is a matter of money, not of another graph."""
    (found,) = held([row_of("a", high, key="k")], [row_of("a", high + more, key="k")])
    assert found.dearer
    assert held([row_of("a", high + more, key="k")], [row_of("a", high, key="k")]) == []
    (found,) = held([row_of("a", high, key="k")], [row_of("a", None, key="k")])
    assert (found.dearer, found.now) == (True, "$?")


def test_another_request_is_not_what_was_agreed_to() -> None:
    """A new row, another key, another model, an edit of what has no key yet, an input that is to be made again."""
    then = [row_of("a", 5, key="a" * 64), row_of("b", 5, asks="w")]
    now = [
        row_of("a", 5, key="b" * 64),
        row_of("b", 5, asks="edited"),
        row_of("c", 5),
    ]
    found = held(then, now)
    assert [one.node for one in found] == ["a", "b", "c"]
    assert not any(one.dearer for one in found)
    assert found[2].then == "not in the plan"
    (gone,) = held(then, [row_of("a", 5)])
    assert "made again" in gone.now
    (model,) = held(then, [row_of("a", 5, key="a" * 64, model="fal/other")])
    assert (model.then, model.now) == ("fal/m", "fal/other")


@given(st.integers(1, 8), st.integers(1, 12), amounts, amounts)
def test_a_list_may_become_known_within_its_bounds(most: int, count: int, then: int, now: int) -> None:
    """`still[*] x8` was agreed to: any eight stills may come of it, that cost no more in all."""
    agreed = row_of("still[*]", then, status="maybe", items_max=most)
    found = held([agreed], [row_of(f"still[{n}]", now, key=str(n)) for n in range(count)])
    assert (found == []) == (count <= most and count * now <= most * then)
    if count <= most:
        assert all(one.dearer for one in found)


def test_a_longer_list_is_not_what_was_agreed_to() -> None:
    """Its bound was part of what was read."""
    one, two = (row_of("still[*]", 5, status="maybe", items_max=n) for n in (4, 8))
    assert [(d.then, d.now) for d in held([one], [two])] == [("at most 4", "8")]
    assert held([two], [one]) == []


@given(labels, st.data())
def test_an_instance_is_found_in_the_list_it_was_part_of(names: list[str], data: st.DataObject) -> None:
    """Whatever its labels look like: commas, quotes and brackets in them are labels and no syntax."""
    known = data.draw(st.integers(0, len(names) - 1))
    whole = instance_name("still", names)
    assume("*" not in names)
    agreed = row_of(instance_name("still", [*names[:known], *["*"] * (len(names) - known)]), 5, items_max=9)
    assert held([agreed], [row_of(whole, 5, key="k")]) == []
    assert [one.then for one in held([agreed], [row_of(f"x{whole}", 5)])] == ["not in the plan"]


def test_a_fallback_that_was_agreed_to_may_take_its_place() -> None:
    """Between the plan and the build the first model refused: what is asked then stood in the plan, with its price."""
    then = row_of("still", 30, key="a" * 64, fallbacks=("openai/m",))
    passed = (Passed("fal/m", Refusal("blocked")),)
    now = row_of("still", 20, key="b" * 64, model="openai/m", passed=passed)
    assert held([then], [now]) == []
    assert held([then], [row_of("still", 31, key="b" * 64, model="openai/m", passed=passed)])[0].dearer
    for other in ({"model": "google/m"}, {"passed": ()}, {"asks": "v"}):
        assert held([then], [msgspec.structs.replace(now, **other)])
