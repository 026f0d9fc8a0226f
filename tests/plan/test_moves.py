from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from dagcontent.plan.model import Plan, PlanRow
from dagcontent.plan.moves import moves

ROWS = st.dictionaries(
    st.sampled_from("abcd"), st.tuples(st.sampled_from(["hit", "run", "failed"]), st.sampled_from("kl"), st.sampled_from([None, "e"]))
)  # fmt: skip


def plan(rows: dict[str, tuple[str, str, str | None]]) -> Plan:
    return Plan(
        "g", tuple(PlanRow(name, "k", "m", status, key=key, error=error) for name, (status, key, error) in rows.items())
    )


@given(ROWS, ROWS)
def test_moves_are_the_rows_that_look_different(
    old: dict[str, tuple[str, str, str | None]], new: dict[str, tuple[str, str, str | None]]
) -> None:
    """What is said after an edit is the difference and all of it: applied to the old plan, it gives the new one."""
    found = moves(plan(old), plan(new))
    told = dict(old)
    for move in found:
        name = move.row.node
        told.pop(name, None)
        if move.new is not None:
            told[name] = new[name]
    alike = {name: (s, k if s == "run" else "", e) for name, (s, k, e) in told.items()}
    assert alike == {name: (s, k if s == "run" else "", e) for name, (s, k, e) in new.items()}
    assert not moves(plan(new), plan(new))
