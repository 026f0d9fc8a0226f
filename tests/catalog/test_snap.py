"""Snapping, over every slot and every canvas of the catalog: the rules are told here by the numbers alone."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dagcontent.catalog import load
from dagcontent.catalog.canvas import PRESETS, placed
from dagcontent.catalog.effective import effective
from dagcontent.catalog.fit import fitted, pixels_of, shown
from dagcontent.catalog.model import Canvas, Model, Slot
from dagcontent.errors import NodeError
from dagcontent.kinds.registry import KINDS
from dagcontent.values.snap import SNAPS, Snap
from dagcontent.values.value import UNKNOWN

ALIVE = [model for model in load.models() if not model.gone(None)]
NUMBERS = [
    (model.id, slot)
    for model in ALIVE
    for slots in model.slots.values()
    for slot in slots
    if slot.minimum is not None
    or (slot.values and all(isinstance(v, int | float) and not isinstance(v, bool) for v in slot.values))
]
FIXED = [
    (model, kind, slot)
    for model in ALIVE
    for kind, slots in model.slots.items()
    for slot in slots
    if slot.param in {"duration", "seconds", "aspect", "resolution", "size", "fps", "factor"}
]
CANVASES = sorted({model.canvas for model in ALIVE if model.canvas is not None}, key=repr)
WAYS = st.sampled_from(SNAPS)
SAME = 1e-6


def attempted(slot: Slot, value: Any, snap: Snap | None) -> Any:
    try:
        return fitted(slot, value, snap, "it")
    except NodeError as error:
        return error


def next_below(slot: Slot, value: float) -> float | None:
    """Return the greatest allowed number that is no greater; None where there is none."""
    if slot.values:
        return max((v for v in slot.values if v <= value + SAME), default=None)
    assert slot.minimum is not None
    made = min(value, math.inf if slot.maximum is None else slot.maximum)
    if slot.step is not None:
        made = math.floor(made / slot.step + SAME) * slot.step
    return made if made >= slot.minimum else None


def next_above(slot: Slot, value: float) -> float | None:
    """Return the least allowed number that is no less; None where there is none."""
    if slot.values:
        return min((v for v in slot.values if v >= value - SAME), default=None)
    assert slot.minimum is not None
    made = max(value, slot.minimum)
    if slot.step is not None:
        made = math.ceil(made / slot.step - SAME) * slot.step
    return made if made <= (math.inf if slot.maximum is None else slot.maximum) else None


@given(st.sampled_from(NUMBERS), st.one_of(st.floats(0.05, 700), st.floats(0.05, 20), st.integers(1, 70)))
def test_numbers_go_where_they_are_told_to(of: tuple[str, Slot], value: float) -> None:
    """Up is never less, down never more, nearest is nearest, and an error names that one: else a clip ends before its
    narration, or costs more than its graph said.
    """
    _, slot = of
    below, above = next_below(slot, value), next_above(slot, value)
    there = [one for one in (below, above) if one is not None]
    nearest = min(there, key=lambda one: (round(abs(one - value), 9), -one)) if there else None
    exact = any(abs(one - value) < SAME for one in there)
    for snap, wanted in (("up", above), ("down", below), ("nearest", nearest), ("error", value if exact else None)):
        made = attempted(slot, value, snap)  # type: ignore[arg-type] - a literal in a tuple
        if wanted is None:
            assert isinstance(made, NodeError), (snap, made)
            assert made.hint is not None
            if len(slot.values) != 1 and nearest is not None:
                assert made.hint.endswith(f"the nearest is {shown(nearest)}")
        else:
            assert made == pytest.approx(wanted, abs=2 * SAME), snap
            assert attempted(slot, made, "error") == made


@given(st.sampled_from(FIXED), st.data())
def test_a_request_holds_what_was_snapped_to(of: tuple[Model, str, Slot], data: st.DataObject) -> None:
    """Of every slot with lengths, aspects, sizes: what is keyed is what is sent, is allowed as it stands, and is said."""
    model, kind, slot = of
    likely = [*slot.values, "16:9", "1:1", "5:7", "480p", "900p", "4k", "2K", "700x300", 0.7, 3, 5.2, 9, 27]
    value = data.draw(st.sampled_from(likely))
    snap = data.draw(WAYS)
    params = {s.param: UNKNOWN for s in model.slots[kind] if s.required} | {slot.param: value}
    try:
        found = effective(model.id, KINDS[kind], params, snap=snap)
    except NodeError:
        return  # nothing lies that way
    again = effective(model.id, KINDS[kind], found.params, snap="error")
    assert (again.params, again.fields, again.quote) == (found.params, found.fields, found.quote)
    made = found.params[slot.param]
    if slot.values:
        assert made in slot.values
    if shown(made).casefold() != shown(value).casefold():
        assert snap != "error"
        assert any(f"{shown(value)}" in note and f"-> {shown(made)}" in note for note in found.notes)


def sides_of(value: Any) -> tuple[int, int]:
    """Return a size in any of the forms as two numbers."""
    if isinstance(value, dict):
        return value["width"], value["height"]
    sides = PRESETS.get(value) or pixels_of(value)
    assert sides is not None
    return sides


@given(st.sampled_from(CANVASES), st.integers(40, 5000), st.integers(40, 5000), WAYS)
def test_sizes_go_where_they_are_told_to(canvas: Canvas, width: int, height: int, snap: Snap) -> None:
    """Both sides keep to the way: up for what will be cut, down for what must not cost more."""
    try:
        made = placed(canvas, None, f"{width}x{height}", snap, "it")
    except NodeError:
        return  # nothing lies that way
    across, down = sides_of(made.value)
    assert placed(canvas, made.aspect, made.size, "error", "it").value == made.value
    assert made.pixels == across * down
    if snap == "up":
        assert across >= width
        assert down >= height
    elif snap == "down":
        assert across <= width
        assert down <= height
    elif snap == "error":
        assert (across, down) == (width, height)
    assert ((across, down) == (width, height)) == (made.note == "")


@given(st.sampled_from(CANVASES), st.integers(1, 60), st.integers(1, 60), st.sampled_from(("up", "down", "nearest")))
def test_any_aspect_has_a_nearest(canvas: Canvas, wide: int, high: int, snap: Snap) -> None:
    """A ratio has no up and no down: whatever the way is, one that the model makes is found and said."""
    made = placed(canvas, f"{wide}:{high}", None, snap, "it")
    across, down = sides_of(made.value)
    assert made.note or across / down == pytest.approx(wide / high, rel=0.03)
    assert placed(canvas, made.aspect, made.size, "error", "it").value == made.value
    if canvas.sizes:
        distance = {text: abs(math.log(s[0] / s[1] * high / wide)) for text in canvas.sizes if (s := pixels_of(text))}
        assert abs(math.log(across / down * high / wide)) == pytest.approx(min(distance.values()), abs=1e-6)


@pytest.mark.parametrize(
    ("values", "value", "snap", "made"),
    [
        (["auto", "16:9", "9:16", "1:1"], "5:4", "up", "1:1"),
        (["512", "1K", "2K", "4K"], "700", "up", "1K"),
        (["720p", "1080p", "4k"], "1440p", "up", "4k"),
        (["720p", "1080p", "4k"], "1440p", "down", "1080p"),
        (["720p", "1080p", "4k"], "1K", "nearest", "720p"),
        ([4, 6, 8], 5, "nearest", 6),
    ],
)
def test_words_have_an_order_too(values: list[Any], value: Any, snap: Snap, made: Any) -> None:
    """A "1K" is a picture's side beside "512", a clip's height beside "720p"; of two that are as near the greater is taken."""
    assert fitted(Slot(param="size", values=tuple(values)), value, snap, "it") == made
