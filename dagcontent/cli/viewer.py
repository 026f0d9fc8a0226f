"""A file into a window of this machine's own viewer. Knows no command and no medium."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

__all__ = ["view"]

_WAIT_S: Final = 1.5


def view(path: Path, environment: Mapping[str, str]) -> str | None:
    """Open a file with what the system opens such files with; return None, or why that cannot be."""
    name = "open" if sys.platform == "darwin" else "xdg-open"
    if name != "open" and not (environment.get("DISPLAY") or environment.get("WAYLAND_DISPLAY")):
        return "there is no screen here"
    program = shutil.which(name, path=environment.get("PATH"))
    if program is None:
        return f"there is no {name} here"
    try:
        child = subprocess.Popen(
            [program, str(path.absolute())],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            env=dict(environment), start_new_session=True,
        )  # fmt: skip
    except OSError as error:
        return f"{name} cannot be started: {error.strerror}"
    try:
        code = child.wait(_WAIT_S)  # some stay until the window is closed; those that fail say so at once
    except subprocess.TimeoutExpired:
        return None
    return None if code == 0 else f"{name} has no program for it (exit code {code})"
