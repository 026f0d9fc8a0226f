"""Graphs of growing size: no-op, plan, one edit and cold build beside doit and ninja. Knows no graph of another shape.

Two no-ops are told apart. *Unchanged*: nothing was touched since the last build, and the memo answers. *Read anew*: a
comment or the last node was edited, so that everything is read, linked, keyed and looked up.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import ours
import peers
from graphs import write_dag
from process import Command, Sample, Timed, ratio, run_once, take_turns
from rows import Row, Section

__all__ = ["Measured", "growth", "measure", "warm_up"]

_NINJA_X = 8.0
_EDIT_X = 1.10
_COLD_MS = 1.0
_LINEAR_X = 12.0
_PEAK_MB = 600.0
_PARAMS_MOST = 10_000
_TARGETED = 10_000
"""Size at which the targets for ninja and for one edit are set."""


class Measured(NamedTuple):
    """One size. Its commands can be timed again, beside those of the next size."""

    nodes: int
    section: Section
    timed: Mapping[str, Timed]
    unchanged: Mapping[str, Command]
    read: Mapping[str, Command]


def measure(folder: Path, nodes: int, rounds: int, smaller: Measured | None = None) -> Measured:
    """Build a graph cold for everybody, then time what follows in turns, with the size before among them."""
    folder.mkdir()
    projects = _projects(folder, nodes)
    cold = {name: run_once(command) for name, command in projects.items()}
    run_once(ours.nothing_to_do(folder))
    past = run_once(ours.only_run(folder))
    graph = folder / "graph.toml"

    def comment(number: int) -> None:
        write_dag(graph, nodes, comment=f"edited {number}")

    def leaf(number: int) -> None:
        write_dag(graph, nodes, leaf=f" edited {number}")

    others = {name: command for name, command in projects.items() if name != "dagcontent"}
    unchanged = {"plan": ours.plan(folder), "build": ours.build(folder), **others}
    read = {
        "build anew": ours.build(folder)._replace(prepare=comment),
        "plan anew": ours.plan(folder)._replace(prepare=leaf),
        "edit": ours.build(folder)._replace(prepare=leaf),
        **{f"{name} beside": command for name, command in others.items()},
    }
    timed: dict[str, Timed] = {}
    if smaller is not None:
        run_once(smaller.unchanged["build"])
    for commands, before in (
        (unchanged, None if smaller is None else smaller.unchanged),
        (read, None if smaller is None else smaller.read),
    ):
        again = {f"smaller {name}": before[name] for name in _LINEAR.values() if name in before} if before else {}
        timed |= take_turns({**commands, **again}, rounds)
    write_dag(graph, nodes)
    parts = ours.inside("parts", "graph.toml", "store", folder=folder)
    section = Section(f"{nodes:,} nodes", _rows(nodes, timed, cold), _notes(nodes, cold, parts, past))
    return Measured(nodes, section, timed, unchanged, read)


def warm_up(folder: Path) -> None:
    """Have every program start once, so that no first run pays for compiled modules and a cold disk."""
    folder.mkdir()
    for command in _projects(folder, 3).values():
        run_once(command)
    run_once(ours.nothing_to_do(folder))
    write_dag(folder / "graph.toml", 3, leaf=" edited")
    run_once(ours.plan(folder))


def growth(small: Measured, large: Measured) -> Section:
    """Compare a size with the one before, which was timed again beside it."""
    rows: list[Row] = []
    times = large.nodes / small.nodes
    for what, name in _LINEAR.items():
        one, other = large.timed[name], large.timed[f"smaller {name}"]
        targeted = name != "doit" and large.nodes == _TARGETED * 10 and small.nodes == _TARGETED
        most = _LINEAR_X if targeted else None
        rows.append(
            Row(what, f"{large.nodes:,} / {small.nodes:,}", str(one), f"{small.nodes:,} nodes: {other}",
                ratio(one, other), "x", most)
        )  # fmt: skip
    return Section(f"Growth: {times:g} times as many nodes", rows)


_LINEAR = {
    "no-op build, unchanged": "build",
    "plan, unchanged": "plan",
    "no-op build, read anew": "build anew",
    "plan, read anew": "plan anew",
    "doit": "doit",
}


def _projects(folder: Path, nodes: int) -> dict[str, Command]:
    write_dag(folder / "graph.toml", nodes)
    found = {"dagcontent": ours.build(folder), "doit": peers.doit(folder / "doit", nodes)}
    if nodes <= _PARAMS_MOST:
        found["doit+"] = peers.doit(folder / "doit-params", nodes, params=True)
    if peers.has_ninja():
        found["ninja"] = peers.ninja(folder / "ninja", nodes)
    return found


def _rows(nodes: int, timed: Mapping[str, Timed], cold: Mapping[str, Sample]) -> list[Row]:
    size = f"{nodes:,}"
    rows: list[Row] = []

    def against(what: str, name: str, peer: str, label: str, most: float | None = None) -> None:
        if peer in timed:
            one, other = timed[name], timed[peer]
            rows.append(Row(what, size, str(one), f"{label}: {other}", ratio(one, other), "x", most))

    ninja_most = _NINJA_X if nodes == _TARGETED else None
    for what, name, beside in (
        ("no-op build, unchanged", "build", ""),
        ("plan, unchanged", "plan", ""),
        ("no-op build, read anew", "build anew", " beside"),
        ("plan, read anew", "plan anew", " beside"),
    ):
        against(what, name, f"doit{beside}", "doit", 1.0)
        against(what, name, f"doit+{beside}", "doit with parameters", 1.0)
        if "build" in what:
            against(what, name, f"ninja{beside}", "ninja", None if beside else ninja_most)
    edit_most = _EDIT_X if nodes == _TARGETED else None
    against("build after an edit of one leaf", "edit", "build anew", "no-op build, read anew", edit_most)
    own, doit = cold["dagcontent"], cold["doit"]
    each = own.wall_s / nodes * 1000
    rows.append(
        Row("cold build, durable", size, f"{each:.2f} ms a node (cpu {own.cpu_s / nodes * 1000:.2f} ms)",
            f"doit, not durable: {doit.wall_s / nodes * 1000:.2f} ms", each, " ms", _COLD_MS)
    )  # fmt: skip
    for what, peak, beside in (
        ("peak memory, no-op read anew", timed["build anew"].peak_mb, timed["doit"].peak_mb),
        ("peak memory, cold build", own.peak_mb, doit.peak_mb),
    ):
        rows.append(Row(what, size, f"{peak:.0f} MB", f"doit: {beside:.0f} MB", peak, " MB", _PEAK_MB))
    return rows


def _notes(nodes: int, cold: Mapping[str, Sample], parts: Mapping[str, Any], past: Sample) -> list[str]:
    whole = ", ".join(f"{name} {sample.wall_s:.1f} s" for name, sample in cold.items())
    steps = ", ".join(
        f"{name} {value * 1000:.0f} ms ({value / nodes * 1e6:.0f} us a node)" for name, value in parts.items()
    )
    notes = [
        f"cold builds: {whole}",
        f"read anew, step by step in one process: {steps}",
        f"`runs RUN` of the build that made all: {past.wall_s:.2f} s",
    ]
    if "ninja" not in cold:
        notes.append("ninja is not installed here: its lines are left out")
    return notes
