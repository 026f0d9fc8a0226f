"""How long a person waits for nothing: `--help`, `--version`, and a small graph that is built. Knows no large graph."""

from __future__ import annotations

import sys
from pathlib import Path

import ours
from graphs import scenes_graph
from process import Command, Timed, ratio, run_once, take_turns
from rows import Row, Section

__all__ = ["scenes", "startup"]

_HELP_S = 0.10
_HELP_X = 5.0
_SMALL_S = 0.20


def startup(folder: Path, rounds: int) -> Section:
    """Measure the start against the bare interpreter's."""
    script = Path(sys.executable).with_name("dagcontent")
    named = {
        "bare": [sys.executable, "-c", "pass"],
        "`python -m dagcontent --help`": [sys.executable, "-m", "dagcontent", "--help"],
        "`python -m dagcontent --version`": [sys.executable, "-m", "dagcontent", "--version"],
    }
    if script.exists():
        named["`dagcontent --help`"] = [str(script), "--help"]
    commands = {name: Command(argv, folder) for name, argv in named.items()}
    for command in commands.values():
        run_once(command)
    timed = take_turns(commands, rounds)
    bare = timed.pop("bare")
    rows: list[Row] = []
    for name, one in timed.items():
        rows.append(Row(name, "", str(one), f"`python -c pass`: {bare}", ratio(one, bare), "x", _HELP_X))
        rows.append(Row(name, "", str(one), value=one.wall_s, unit=" s", most=_HELP_S))
    return Section("Start-up", rows)


def scenes(folder: Path, count: int, rounds: int) -> Section:
    """Measure plan and no-op build of a graph as small as the example's, with and without its memo."""
    folder.mkdir()
    graph = folder / "graph.toml"

    def write(*, leaf: str = "", comment: str = "") -> None:
        graph.write_text(scenes_graph(count, leaf=leaf, comment=comment), encoding="utf-8")

    write()
    cold = run_once(ours.build(folder))
    run_once(ours.nothing_to_do(folder))
    known = take_turns({"plan": ours.plan(folder), "build": ours.build(folder)}, rounds)
    build = ours.build(folder)._replace(prepare=lambda n: write(comment=f"edited {n}"))
    plan = ours.plan(folder)._replace(prepare=lambda n: write(leaf=f" {n}"))
    read = take_turns({"build": build, "plan": plan}, rounds)
    size = f"{count} scenes, {4 * count + 1} nodes"
    return Section(
        "A graph of the example's size (texts and cards)",
        [
            _row("plan, unchanged", size, known["plan"]),
            _row("no-op build, unchanged", size, known["build"]),
            _row("plan after an edit of the last node", size, read["plan"]),
            _row("no-op build after an edit of a comment", size, read["build"]),
        ],
        [f"its first build took {cold.wall_s:.1f} s"],
    )


def _row(what: str, size: str, timed: Timed) -> Row:
    return Row(what, size, str(timed), value=timed.wall_s, unit=" s", most=_SMALL_S)
