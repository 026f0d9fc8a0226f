"""Turn layers and arrows into places on a plane, from left to right, with few crossings. Knows no colours and no text.

Theory (Sugiyama). An arrow over several layers gets a point in each layer between, so that every arrow joins
neighbours. Layers are ordered by the median of what their members are joined to, up and down, as long as fewer arrows
cross. Then each layer's members move as near as their order allows to the mean of what they are joined to: a least
squares problem under order constraints, solved exactly by pooling neighbours that would overlap.
Weakness: the order is a heuristic; a few crossings more than the fewest are to be expected.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Final, TypeAlias

import msgspec

__all__ = ["Placed", "lay_out"]

_SWEEPS: Final = 12
_PASSES: Final = 10

_Vertex: TypeAlias = "str | tuple[str, str, int]"
"""A box by name, or an arrow's point in a layer it crosses."""


class Placed(msgspec.Struct, frozen=True):
    """Where everything is: a box's layer and the middle of its height; an arrow's heights in each layer it crosses."""

    boxes: dict[str, tuple[int, float]]
    bends: dict[tuple[str, str], tuple[tuple[int, float], ...]]
    height: float


def lay_out(
    layers: Sequence[Sequence[str]], arrows: Sequence[tuple[str, str]], *, heights: Mapping[str, float], gap: float
) -> Placed:
    """Return places for boxes of these heights with a gap between them. Equal input, equal places."""
    rank = {name: i for i, layer in enumerate(layers) for name in layer}
    _pull(rank, arrows)
    rows: list[list[_Vertex]] = [[] for _ in range(max(rank.values(), default=-1) + 1)]
    for layer in layers:
        for name in layer:
            rows[rank[name]].append(name)
    above: dict[_Vertex, list[_Vertex]] = {}
    below: dict[_Vertex, list[_Vertex]] = {}
    for source, target in arrows:
        chain: list[_Vertex] = [source]
        for at in range(rank[source] + 1, rank[target]):
            point = (source, target, at)
            rows[at].append(point)
            chain.append(point)
        chain.append(target)
        for a, b in pairwise(chain):
            below.setdefault(a, []).append(b)
            above.setdefault(b, []).append(a)
    rows = _ordered(rows, above, below)
    middles, height = _placed(rows, above, below, heights, gap)
    bends: dict[tuple[str, str], list[tuple[int, float]]] = {arrow: [] for arrow in arrows}
    for row in rows:
        for vertex in row:
            if isinstance(vertex, tuple):
                bends[vertex[0], vertex[1]].append((vertex[2], middles[vertex]))
    boxes = {name: (rank[name], middles[name]) for name in rank}
    return Placed(boxes, {arrow: tuple(points) for arrow, points in bends.items()}, height)


def _pull(rank: dict[str, int], arrows: Sequence[tuple[str, str]]) -> None:
    """Move what nothing comes before next to the first that uses it: its arrow need not cross the whole picture."""
    users: dict[str, list[str]] = {}
    for source, target in arrows:
        users.setdefault(source, []).append(target)
    used = {target for _, target in arrows}
    for name, at in list(rank.items()):
        if at == 0 and name not in used and name in users:
            rank[name] = min(rank[user] for user in users[name]) - 1


# -- order ------------------------------------------------------------------------------------------------------


def _ordered(
    rows: list[list[_Vertex]], above: Mapping[_Vertex, list[_Vertex]], below: Mapping[_Vertex, list[_Vertex]]
) -> list[list[_Vertex]]:
    best, fewest = rows, _crossings(rows, below)
    rows = [list(row) for row in rows]
    for sweep in range(_SWEEPS):
        down = sweep % 2 == 0
        indices = range(1, len(rows)) if down else range(len(rows) - 2, -1, -1)
        for i in indices:
            neighbours = above if down else below
            position = {vertex: at for at, vertex in enumerate(rows[i - 1 if down else i + 1])}
            rows[i] = _by_median(rows[i], neighbours, position)
        crossings = _crossings(rows, below)
        if crossings < fewest:
            best, fewest = [list(row) for row in rows], crossings
        if fewest == 0:
            break
    return best


def _by_median(
    row: list[_Vertex], neighbours: Mapping[_Vertex, list[_Vertex]], position: Mapping[_Vertex, int]
) -> list[_Vertex]:
    keys: dict[_Vertex, float] = {}
    for at, vertex in enumerate(row):
        places = sorted(position[n] for n in neighbours.get(vertex, ()))
        half = len(places) // 2
        if not places:
            keys[vertex] = float(at)
        else:
            keys[vertex] = float(places[half]) if len(places) % 2 else (places[half - 1] + places[half]) / 2
    return sorted(row, key=keys.__getitem__)


def _crossings(rows: Sequence[Sequence[_Vertex]], below: Mapping[_Vertex, list[_Vertex]]) -> int:
    count = 0
    for upper, lower in pairwise(rows):
        position = {vertex: at for at, vertex in enumerate(lower)}
        seen = [0] * (len(lower) + 1)  # a Fenwick tree over the ends seen so far: how many end further down
        total = 0
        for vertex in upper:
            ends = sorted(position[n] for n in below.get(vertex, ()))
            for end in ends:
                at, before = end + 1, 0
                while at > 0:
                    before += seen[at]
                    at -= at & -at
                count += total - before
            for end in ends:
                at = end + 1
                while at < len(seen):
                    seen[at] += 1
                    at += at & -at
                total += 1
    return count


# -- places -----------------------------------------------------------------------------------------------------


def _placed(
    rows: Sequence[Sequence[_Vertex]],
    above: Mapping[_Vertex, list[_Vertex]],
    below: Mapping[_Vertex, list[_Vertex]],
    heights: Mapping[str, float],
    gap: float,
) -> tuple[dict[_Vertex, float], float]:
    """Return the middle of everything, and the height of all."""

    def tall(vertex: _Vertex) -> float:
        return heights[vertex] if isinstance(vertex, str) else 0.0

    offsets: list[list[float]] = []
    middles: dict[_Vertex, float] = {}
    for row in rows:
        at = 0.0
        mine: list[float] = []
        for i, vertex in enumerate(row):
            at += (tall(row[i - 1]) + tall(vertex)) / 2 + gap if i else 0.0
            mine.append(at)
            middles[vertex] = at
        offsets.append(mine)
    widest = max((row[-1] for row in offsets if row), default=0.0)
    for row, mine in zip(rows, offsets, strict=True):
        for vertex in row:
            middles[vertex] += (widest - mine[-1]) / 2
    for turn in range(_PASSES):
        order = range(len(rows)) if turn % 2 == 0 else range(len(rows) - 1, -1, -1)
        for i in order:
            wanted = []
            for vertex in rows[i]:
                joined = [*above.get(vertex, ()), *below.get(vertex, ())]
                wanted.append(sum(middles[n] for n in joined) / len(joined) if joined else middles[vertex])
            middles.update(zip(rows[i], _nearest(wanted, offsets[i]), strict=True))
    top = min((middles[v] - tall(v) / 2 for row in rows for v in row), default=0.0)
    for vertex in middles:
        middles[vertex] -= top
    return middles, max((middles[v] + tall(v) / 2 for row in rows for v in row), default=0.0)


def _nearest(wanted: Sequence[float], offsets: Sequence[float]) -> list[float]:
    """Return places nearest to the wanted ones (least squares) that keep order and distance: pool adjacent violators."""
    pools: list[tuple[float, int]] = []  # mean of (wanted - offset), members
    for want, offset in zip(wanted, offsets, strict=True):
        mean, size = want - offset, 1
        while pools and pools[-1][0] > mean:
            other, members = pools.pop()
            mean = (mean * size + other * members) / (size + members)
            size += members
        pools.append((mean, size))
    means = [mean for mean, size in pools for _ in range(size)]
    return [mean + offset for mean, offset in zip(means, offsets, strict=True)]
