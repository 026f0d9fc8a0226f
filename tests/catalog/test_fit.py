from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dagcontent.catalog import load
from dagcontent.catalog.fit import fitted, ratio, written
from dagcontent.catalog.model import Slot
from dagcontent.errors import NodeError

SLOTS = [
    slot
    for model in load.models()
    for slots in model.slots.values()
    for slot in slots
    if slot.values or slot.minimum is not None
]
ORDERED = [slot for slot in SLOTS if slot.param in {"duration", "seconds", "resolution", "aspect", "fps", "factor"}]
WRITTEN = st.one_of(
    st.floats(0.1, 60), st.integers(1, 60), st.sampled_from(["360p", "720P", "900p", "1k", "4K", "16:9", "7:5", "auto", ""])
)  # fmt: skip
SNAPS = st.sampled_from([None, "up", "down", "nearest", "error"])


def attempted(slot: Slot, value: Any, snap: str | None) -> Any:
    try:
        return fitted(slot, value, snap, "it")
    except NodeError as error:
        return error


@given(st.sampled_from(ORDERED), WRITTEN, SNAPS)
def test_what_is_fitted_is_allowed(slot: Slot, value: Any, snap: str | None) -> None:
    """Whatever is written and however it may be snapped: it becomes a value of the model's, or is refused with a hint."""
    made = attempted(slot, value, snap)
    if isinstance(made, NodeError):
        assert made.hint
        return
    if slot.values:
        assert made in slot.values
    elif isinstance(made, int | float):
        assert slot.minimum is None or made >= slot.minimum
        assert slot.maximum is None or made <= slot.maximum
    assert attempted(slot, made, "error") == made
    written(slot, made)


@given(st.sampled_from([slot for slot in SLOTS if slot.values]))
def test_every_allowed_value_fits_as_it_is(slot: Slot) -> None:
    """The catalog's own spelling is never refused or changed."""
    for value in slot.values:
        assert fitted(slot, value, "error", "it") == value


@pytest.mark.parametrize(
    ("form", "value", "sent"),
    [("digits", 5, "5"), ("seconds", 8, "8s"), ("int", 7.0, 7), ("ms", 22.5, 22500), ("list", "x", ["x"]), ("plain", 2.5, 2.5)],
)  # fmt: skip
def test_forms(form: Any, value: Any, sent: Any) -> None:
    """The commonest first mistake with a vendor: the right number in the wrong form."""
    made = written(Slot(param="duration", field="duration", form=form), value)
    assert made == sent
    assert type(made) is type(sent)


def test_aspects_are_ratios() -> None:
    """Text that only looks like one is none."""
    assert ratio("16:9") == pytest.approx(1.7778, abs=1e-4)
    assert [ratio(text) for text in ("16x9", "a:b", "1:0", ":", "-1:2", "nan:1", "1:inf")] == [None] * 7
