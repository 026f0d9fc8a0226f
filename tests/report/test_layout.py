from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from dagcontent.report.layout import _nearest, lay_out


@st.composite
def graphs(draw: st.DrawFn) -> tuple[list[list[str]], list[tuple[str, str]]]:
    """Boxes in layers, each but the first layer's used by something before it, and arrows over several layers."""
    sizes = draw(st.lists(st.integers(1, 5), min_size=1, max_size=6))
    layers = [[f"n{i}_{j}" for j in range(size)] for i, size in enumerate(sizes)]
    arrows = set()
    for i, layer in enumerate(layers[1:], 1):
        for name in layer:
            arrows.add((draw(st.sampled_from(layers[i - 1])), name))
    for _ in range(draw(st.integers(0, 8)) if len(layers) > 1 else 0):
        a, b = sorted(draw(st.lists(st.integers(0, len(layers) - 1), min_size=2, max_size=2, unique=True)))
        arrows.add((draw(st.sampled_from(layers[a])), draw(st.sampled_from(layers[b]))))
    return layers, sorted(arrows)


@given(graphs())
def test_nothing_overlaps_and_all_arrows_go_forward(graph: tuple[list[list[str]], list[tuple[str, str]]]) -> None:
    """A picture can be read if no box covers another and every arrow goes to the right."""
    layers, arrows = graph
    heights = {name: 40.0 + 13 * (len(name) % 3) for layer in layers for name in layer}
    placed = lay_out(layers, arrows, heights=heights, gap=10)
    assert placed.boxes.keys() == heights.keys()
    by_rank: dict[int, list[tuple[float, float]]] = {}
    for name, (rank, middle) in placed.boxes.items():
        by_rank.setdefault(rank, []).append((middle - heights[name] / 2, middle + heights[name] / 2))
        assert middle - heights[name] / 2 + 1e-6 >= 0
        assert middle + heights[name] / 2 <= placed.height + 1e-6
    for spans in by_rank.values():
        for (_, below), (above, _) in pairwise(sorted(spans)):
            assert above - below >= 10 - 1e-6
    for source, target in arrows:
        start, end = placed.boxes[source][0], placed.boxes[target][0]
        assert start < end
        assert [rank for rank, _ in placed.bends[source, target]] == list(range(start + 1, end))
    assert lay_out(layers, arrows, heights=heights, gap=10) == placed


@given(st.lists(st.floats(-100, 100), min_size=1, max_size=12), st.integers(0, 20))
def test_places_are_the_nearest_that_keep_order(wanted: list[float], distance: int) -> None:
    """Pooling solves the least squares problem exactly: no small move of a group makes the sum smaller."""
    offsets = [float(i * distance) for i in range(len(wanted))]
    found = _nearest(wanted, offsets)
    assert all(b - a >= distance - 1e-6 for a, b in pairwise(found))

    def cost(places: list[float]) -> float:
        return sum((a - b) ** 2 for a, b in zip(places, wanted, strict=True))

    for start in range(len(found)):
        for end in range(start + 1, len(found) + 1):
            for step in (-0.5, 0.5):
                moved = [p + step if start <= i < end else p for i, p in enumerate(found)]
                if all(b - a >= distance for a, b in pairwise(moved)):
                    assert cost(moved) >= cost(found) - 1e-6


def test_crossings_are_undone() -> None:
    """Two arrows that cross only because of the order in the file are straightened."""
    placed = lay_out([["a", "b"], ["c", "d"]], [("a", "d"), ("b", "c")], heights=dict.fromkeys("abcd", 40.0), gap=10)
    assert (placed.boxes["a"][1] < placed.boxes["b"][1]) == (placed.boxes["d"][1] < placed.boxes["c"][1])


def test_sources_stand_next_to_who_uses_them() -> None:
    """An input that is needed at the end does not draw its arrow through the whole picture."""
    arrows = [("a", "b"), ("b", "c"), ("late", "c")]
    placed = lay_out(
        [["a", "late"], ["b"], ["c"]], arrows, heights=dict.fromkeys(["a", "b", "c", "late"], 40.0), gap=10
    )
    assert placed.boxes["late"][0] == 1


def test_nothing_is_laid_out() -> None:
    """A graph without nodes is a picture too."""
    assert lay_out([], [], heights={}, gap=10).height == 0
