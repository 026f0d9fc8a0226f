"""The command `open`: a node's result in this machine's own viewer. Runs nothing of a graph, writes nothing but a copy to be viewed.

Files of the store have no ending that a viewer could go by: the output beside the graph is opened where there is one, else a copy in
the user's cache, of which the newest are kept.
"""

from __future__ import annotations

import json
import os
import re
import shutil
from pathlib import Path
from typing import Final

import click
from platformdirs import user_cache_path

from dagcontent import api
from dagcontent.api.showing import Artifact, ShowResult
from dagcontent.cli.one_node import of_one_node
from dagcontent.cli.screen import safe
from dagcontent.cli.session import Session
from dagcontent.cli.words import command as command_line
from dagcontent.cli.words import plain, screen_path
from dagcontent.errors import ConfigError, UsageError
from dagcontent.media.sniff import SUFFIXES

__all__ = ["command"]

_ODD: Final = re.compile(r"[^\w\-]+")
_KEPT: Final = 100
_MOST_NAME: Final = 80


@click.command("open")
@of_one_node
def command(session: Session, node: str) -> int:
    """Open the result of NODE (as in film or clip[intro]) in this machine's own viewer, and print its path.

    Where there is no screen, only the path is printed. Of a result of several files the first is opened.
    """
    found = api.show(session.loaded, node, store=session.store, realms=session.realms)
    screen = session.screen
    files = _files(found)
    refused = screen.view(files[0])
    if screen.json:
        paths = [str(path) for path in files]
        screen.document({
            "graph": session.loaded.name, "profile": session.profile, "node": found.node, "stale": found.stale, "paths": paths,
            "opened": refused is None,
        })  # fmt: skip
        return 0
    for path in files:
        screen.say(screen_path(str(path)))
    if refused is not None:
        session.warn(f"not opened: {refused}")
    if found.stale:
        session.warn(
            f"{safe(found.node)} is of an earlier build; it would be made anew", command_line(*session.again("why", found.node))
        )  # fmt: skip
    return 0


def _files(found: ShowResult) -> list[Path]:
    """Return files that a viewer knows by their ending. Raises UsageError where the bytes are gone."""
    if found.outputs:
        return [Path(path) for path in found.outputs]
    folder = _folder()
    if not found.artifacts:
        text = (
            found.value
            if isinstance(found.value, str)
            else json.dumps(plain(found.value), ensure_ascii=False, indent=2)
        )
        target = folder / f"{_name(found.node)}{'.txt' if isinstance(found.value, str) else '.json'}"
        return [_written(target, f"{text}\n".encode("utf-8", "replace"))]
    many = len(found.artifacts) > 1
    made = []
    for number, artifact in enumerate(found.artifacts):
        name = f"{_name(found.node)}-{number}" if many else _name(found.node)
        made.append(
            _copied(artifact, folder / f"{name}-{artifact.digest[:8]}{SUFFIXES.get(artifact.media_type, '.bin')}")
        )
    return made


def _name(node: str) -> str:
    return _ODD.sub("-", node).strip("-")[:_MOST_NAME] or "result"


def _copied(artifact: Artifact, target: Path) -> Path:
    if artifact.path is None:
        raise UsageError("its bytes are not in the store any more", hint="build it again")
    if target.is_file() and not target.is_symlink() and target.stat().st_size == artifact.size_bytes:
        os.utime(target)
        return target
    part = target.with_name(f"{target.name}.part")
    try:
        shutil.copyfile(artifact.path, part)
        part.replace(target)
    except OSError as error:
        raise _unwritable(target, error) from None
    return target


def _written(target: Path, data: bytes) -> Path:
    part = target.with_name(f"{target.name}.part")
    try:
        part.write_bytes(data)
        part.replace(target)
    except OSError as error:
        raise _unwritable(target, error) from None
    return target


def _unwritable(target: Path, error: OSError) -> ConfigError:
    return ConfigError(f"{target} cannot be written: {error.strerror}", hint="make room there, or give yourself access")


def _folder() -> Path:
    """Return the folder of copies, made if it is not there; of the copies in it the oldest go."""
    folder = user_cache_path("dagcontent", appauthor=False) / "opened"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        there = sorted(folder.iterdir(), key=lambda path: path.lstat().st_mtime, reverse=True)
        for path in there[_KEPT:]:
            path.unlink()
    except OSError as error:
        raise _unwritable(folder, error) from None
    return folder
