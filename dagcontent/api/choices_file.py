"""What was decided into the choices file on the disk: whole, one writer at a time. Knows no graph and no store.

Whoever writes locks the folder it stands in, reads what is there now, and puts a new file in its place: two who decide
at one moment both get what they decided, and a reader sees the file before or after.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import tomli

from dagcontent.errors import ConfigError
from dagcontent.spec.choices_text import edited
from dagcontent.spec.model import TomlPath

__all__ = ["Edit", "write_choices"]

Edit = tuple[TomlPath, Callable[[Mapping[str, Any]], Mapping[str, str | int]]]
"""An entry by its path, and what it is to say, given what it says."""

_HEAD: Final = """\
# What people decided about {graph}. Written by dagcontent reroll, pick, approve, pin and others, read by every build. Commit it.
"""
_BOM: Final = "\ufeff"


def write_choices(path: str, graph: str, edits: Sequence[Edit]) -> bool:
    """Write entries; return whether anything changed. Raises ConfigError for a file that cannot be read or written."""
    target = os.path.realpath(path)
    try:
        with _locked(os.path.dirname(target)):
            text, mode = _read(target)
            made = text if text is not None else _HEAD.format(graph=graph)
            plain = made.removeprefix(_BOM).replace("\r\n", "\n")
            new = plain
            for where, change in edits:
                new = edited(new, where, change(_entry(new, where)))
            if new == plain:
                return False
            if "\r\n" in made:
                new = new.replace("\n", "\r\n")
            _replace(target, (_BOM if made.startswith(_BOM) else "") + new, mode)
    except (OSError, UnicodeDecodeError, tomli.TOMLDecodeError) as error:
        what = getattr(error, "strerror", None) or error
        raise ConfigError(f"{path} cannot be written: {what}", hint="look at the file and its folder") from None
    return True


def _entry(text: str, path: TomlPath) -> Mapping[str, Any]:
    found: Any = tomli.loads(text)
    for key in path:
        found = found.get(key, {}) if isinstance(found, dict) else {}
    return found if isinstance(found, dict) else {}


@contextlib.contextmanager
def _locked(folder: str) -> Iterator[None]:
    """Hold a folder's lock; it leaves nothing behind."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _read(path: str) -> tuple[str | None, int]:
    try:
        with open(path, "rb") as file:
            return file.read().decode("utf-8"), os.fstat(file.fileno()).st_mode & 0o777
    except FileNotFoundError:
        return None, 0o644


def _replace(path: str, text: str, mode: int) -> None:
    descriptor, part = tempfile.mkstemp(prefix=f".{os.path.basename(path)}.", dir=os.path.dirname(path))
    try:
        with open(descriptor, "wb") as file:
            file.write(text.encode("utf-8"))
            file.flush()
            os.fchmod(descriptor, mode)
            os.fsync(descriptor)
        os.replace(part, path)
    except BaseException:
        Path(part).unlink(missing_ok=True)
        raise
