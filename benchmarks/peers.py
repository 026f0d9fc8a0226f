"""The edges of a graph into the same project for doit and ninja. Knows no timing.

doit: Python actions in its own process, one file a node, `file_dep` and `targets` along the edges. Of the set-ups tried
(dbm, sqlite3 and JSON as its database; `task_dep` with `config_changed`, `result_dep`, files) this one with JSON was the
fastest that notices changed content. It compares files by time and size, and by MD5 where those differ; it does not notice
changed parameters. `params=True` adds `config_changed`, so that it notices what we notice.
ninja: `touch`, compared by time alone; the floor, not a peer.
"""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

from graphs import dag
from process import Command

__all__ = ["doit", "has_ninja", "ninja"]

_DODO = """
import json
from doit.tools import config_changed

DOIT_CONFIG = {"backend": "json", "reporter": "zero", "verbosity": 0}

with open("edges.json") as file:
    EDGES = json.load(file)


def make(i):
    with open(f"out/n{i}", "w") as file:
        file.write(f"step {i}")


def task_nodes():
    for i, inputs in enumerate(EDGES):
        yield {
            "basename": f"n{i}",
            "actions": [(make, [i])],
            "file_dep": [f"out/n{j}" for j in inputs],
            "targets": [f"out/n{i}"],
            "uptodate": [UPTODATE],
        }
"""


def doit(folder: Path, nodes: int, *, params: bool = False) -> Command:
    """Write a doit project; return the command that builds it."""
    (folder / "out").mkdir(parents=True)
    uptodate = 'config_changed(f"step {i}")' if params else "True"
    (folder / "dodo.py").write_text(_DODO.replace("UPTODATE", uptodate), encoding="utf-8")
    with (folder / "edges.json").open("w", encoding="utf-8") as file:
        file.write("[")
        for i, inputs in enumerate(dag(nodes)):
            file.write(("," if i else "") + json.dumps(inputs))
        file.write("]")
    return Command([sys.executable, "-m", "doit", "run"], folder)


def has_ninja() -> bool:
    """Whether ninja is installed."""
    return shutil.which("ninja") is not None


def ninja(folder: Path, nodes: int) -> Command:
    """Write a ninja project; return the command that builds it."""
    folder.mkdir(parents=True)
    with (folder / "build.ninja").open("w", encoding="utf-8") as file:
        file.write("rule touch\n  command = touch $out\n\n")
        for i, inputs in enumerate(dag(nodes)):
            file.write(f"build out/n{i}: touch {' '.join(f'out/n{j}' for j in inputs)}\n")
    return Command(["ninja", "--quiet"], folder)
