"""Shapes of graphs, against definitions."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dagcontent.api.loading import load_graph
from dagcontent.graph import analysis
from dagcontent.graph.model import Graph


@pytest.fixture
def graph(tmp_path: Path) -> Graph:
    """Return four nodes: a -> b -> d, a -> c -> d, a -> d."""
    rows = {"a": [], "b": ["a"], "c": ["a"], "d": ["a", "b", "c"]}
    path = tmp_path / "graph.toml"
    path.write_text(
        '[graph]\nname = "g"\n' + "".join(
            f'[node.{n}]\nkind = "test.join"\nparts = ["x"{"".join(f", {chr(34)}${{{p}}}{chr(34)}" for p in ps)}]\n' for n, ps in rows.items()
        ),
        encoding="utf-8",
    )  # fmt: skip
    return load_graph(path).graph


def test_a_picture_needs_no_edge_that_a_longer_way_implies(graph: Graph) -> None:
    """Transitive reduction: a -> d goes."""
    assert sorted(analysis.reduced_edges(graph)) == [("a", "b"), ("a", "c"), ("b", "d"), ("c", "d")]


def test_layers_are_rows_of_a_picture(graph: Graph) -> None:
    """By the longest way to a node."""
    assert [sorted(row) for row in analysis.layers(graph)] == [["a"], ["b", "c"], ["d"]]


@given(st.fixed_dictionaries({n: st.integers(0, 9) for n in "abcd"}))
def test_the_critical_path_is_the_longest_of_all(seconds: dict[str, int]) -> None:
    """By trying all of them, on the diamond."""
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "graph.toml"
        path.write_text(
            '[graph]\nname = "g"\n[node.a]\nkind = "test.upper"\ntext = "a"\n[node.b]\nkind = "test.upper"\ntext = "${a}"\n'
            '[node.c]\nkind = "test.upper"\ntext = "${a}"\n[node.d]\nkind = "test.join"\nparts = ["${b}", "${c}"]\n',
            encoding="utf-8",
        )
        made = load_graph(path).graph
    found = analysis.critical_path(made, {n: float(s) for n, s in seconds.items()})
    assert sum(seconds[n] for n in found) == max(sum(seconds[n] for n in way) for way in ("abd", "acd"))


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), max_size=12))
def test_a_cycle_is_found_in_every_knot_and_is_a_shortest_one_through_its_first(edges: list[tuple[int, int]]) -> None:
    """Checked by reachability: each cycle closes, and no knot is left without one."""
    table: dict[int, list[int]] = {}
    for a, b in edges:
        table.setdefault(a, []).append(b)
    reach = {(a, b) for a, b in edges}
    for k, i, j in itertools.product(range(6), repeat=3):
        if (i, k) in reach and (k, j) in reach:
            reach.add((i, j))
    found = analysis.cycles(table)
    for cycle in found:
        assert all((a, b) in set(edges) for a, b in zip(cycle, [*cycle[1:], cycle[0]], strict=True))
        assert len(set(cycle)) == len(cycle)
    knots = {frozenset(b for b in range(6) if (a, b) in reach and (b, a) in reach) for a in range(6) if (a, a) in reach}
    assert {next(knot for knot in knots if cycle[0] in knot) for cycle in found} == knots
    assert len(found) == len(knots)


def test_the_public_graph_has_nodes_with_kinds_and_edges_to_consumers(graph: Graph) -> None:
    """What others compute with networkx."""
    made = graph.to_networkx()
    assert sorted(made.edges) == [("a", "b"), ("a", "c"), ("a", "d"), ("b", "d"), ("c", "d")]
    assert made.nodes["b"]["kind"] == "test.join"
