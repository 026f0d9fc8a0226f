from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from dagcontent.plan.between import fields_between, steps_between
from dagcontent.values.canonical import Encoder
from dagcontent.values.record import Manifest, action_key

MAPS = st.dictionaries(
    st.sampled_from([f"still[{n}]" for n in (1, 2, 9, 10, 11)] + ["film", "a"]), st.sampled_from("xyz")
)
VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-2, 2),
    st.floats(-2, 2),
    st.text(max_size=2),
    st.lists(st.integers(0, 1), max_size=2),
)
MANIFESTS = st.builds(
    Manifest, kind=st.sampled_from(["a", "b"]), version=st.integers(1, 2), params=st.dictionaries(st.sampled_from("pqr"), VALUES),
    model=st.sampled_from(["", "m"]), realm=st.sampled_from(["", "host"]), take=st.integers(0, 1), reroll=st.integers(0, 1),
    epoch=st.none() | st.just("e"),
)  # fmt: skip


@given(MAPS, MAPS)
def test_steps_are_what_a_look_at_each_name_says(old: dict[str, str], new: dict[str, str]) -> None:
    """Every instance of either side once, with what became of it; and the way back is the same with the words exchanged."""
    steps = steps_between(old, new)
    assert {step.node: step.change for step in steps} == {
        name: "appeared"
        if name not in old
        else "gone"
        if name not in new
        else "same"
        if old[name] == new[name]
        else "changed"
        for name in {*old, *new}
    }
    assert all((step.old, step.new) == (old.get(step.node), new.get(step.node)) for step in steps)
    back = {step.node: step.change for step in steps_between(new, old)}
    turned = {"appeared": "gone", "gone": "appeared", "same": "same", "changed": "changed"}
    assert back == {step.node: turned[step.change] for step in steps}


def test_names_stand_as_people_count() -> None:
    """Ten comes after nine."""
    names = [step.node for step in steps_between({}, {f"still[{n}]": "x" for n in (10, 9, 1)})]
    assert names == ["still[1]", "still[9]", "still[10]"]


@given(MANIFESTS, MANIFESTS)
def test_fields_differ_exactly_where_keys_do(old: Manifest, new: Manifest) -> None:
    """No difference of keys without a field that says why, and no field without one."""
    fields = fields_between(old, new)
    assert bool(fields) == (action_key(old, Encoder()) != action_key(new, Encoder()))
    assert len({diff.field for diff in fields}) == len(fields)
