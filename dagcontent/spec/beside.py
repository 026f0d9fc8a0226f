"""Turn a path written in a graph into an absolute one, or say why it may not be read. Knows no content.

A graph may read nothing outside the folder of its graph file (through links neither), so that a graph from elsewhere
cannot pick up files of the machine. What a person gives with `-p x=@FILE` may lie anywhere.
"""

from __future__ import annotations

import os

__all__ = ["Beside", "written_wrongly"]


def written_wrongly(written: str) -> tuple[str, str] | None:
    """Return what is wrong with a relative path as text, and a hint."""
    if not written.strip():
        return "this path is empty", "name a file"
    if any(ord(char) < 32 or ord(char) == 127 for char in written):
        return (
            "this path holds a control character",
            r"in double quotes `\n` and `\t` are not letters: write / instead of \ "[:-1],
        )
    if "\\" in written:
        return "this path holds a backslash", f"write {written.replace(chr(92), '/')}"
    if written.startswith(("/", "~")) or written[1:2] == ":":
        return f"`{written}` is not relative", "paths begin at the folder of the file they stand in"
    return None


class Beside:
    """The folder a graph may read from. Every path that is asked for is noted in `looked`, which graphs of one load share."""

    def __init__(self, root: str, looked: dict[str, tuple[str, str] | None] | None = None) -> None:
        self.root = root
        self._real_root = os.path.realpath(root)
        self._looked = {} if looked is None else looked
        # Not shared: what is beside one graph may be outside the folder of one within it.
        self._checked: dict[str, tuple[str, str] | None] = {}

    def resolve(self, folder: str, written: str) -> tuple[str, tuple[str, str] | None]:
        """Return the absolute path, and (what is wrong, hint) if it cannot be read."""
        wrong = written_wrongly(written)
        if wrong is not None:
            return "", wrong
        path = os.path.normpath(os.path.join(folder, written))
        if path not in self._checked:
            self._checked[path] = self._looked[path] = self._check(path, written)
        return path, self._checked[path]

    def _check(self, path: str, written: str) -> tuple[str, str] | None:
        if not self._inside(path):
            return (
                f"`{written}` is outside the graph's folder",
                "a graph reads only what is beside it; a file elsewhere is given with -p name=@FILE",
            )
        if os.path.isdir(path):
            return f"`{written}` is a folder", "name a file in it"
        if not os.path.isfile(path):
            return f"there is no file `{written}`", f"looked for {path}"
        return None

    def _inside(self, path: str) -> bool:
        try:
            real = os.path.realpath(path)
        except (OSError, ValueError):
            return False
        return all(
            os.path.commonpath((root, there)) == root for root, there in ((self.root, path), (self._real_root, real))
        )
