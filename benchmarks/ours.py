"""What is asked of dagcontent into commands: as a person would type them. Knows no timing."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from process import Command

__all__ = ["build", "inside", "nothing_to_do", "only_run", "plan"]


def build(folder: Path, graph: str = "graph.toml") -> Command:
    """Return `dagcontent build` with a store in the folder."""
    return Command([*_DAGCONTENT, "build", graph, "--store", "store", "--quiet"], folder)


def plan(folder: Path, graph: str = "graph.toml") -> Command:
    """Return `dagcontent plan`; exit code 3 says that there is work."""
    return Command([*_DAGCONTENT, "plan", graph, "--store", "store", "--exit-code"], folder, codes=(0, 3))


def nothing_to_do(folder: Path, graph: str = "graph.toml") -> Command:
    """Return `dagcontent plan` that fails where there is work: what is timed as a no-op has to be one."""
    return plan(folder, graph)._replace(codes=(0,))


def only_run(folder: Path) -> Command:
    """Return `dagcontent runs RUN` where there was one run: ids begin with the year."""
    return Command([*_DAGCONTENT, "runs", "2", "--store", "store"], folder)


def inside(name: str, *arguments: str, folder: Path) -> dict[str, Any]:
    """Run one of the measurements that happen within a process, in a process of its own; return what it found."""
    script = Path(__file__).parent / "inside" / f"{name}.py"
    ended = subprocess.run(
        [sys.executable, str(script), *arguments], cwd=folder, check=True, stdout=subprocess.PIPE, text=True
    )
    found: dict[str, Any] = json.loads(ended.stdout)
    return found


_DAGCONTENT = (sys.executable, "-m", "dagcontent")
