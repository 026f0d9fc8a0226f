"""Turn configuration files and the environment into settings. The only place that reads either.

`config.toml` of the user, then `dagcontent.toml` beside the graph over it, then the environment, then the command
line. A file beside a graph came with the graph: it may set nothing that leads a secret or a request elsewhere.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import msgspec

from dagcontent.errors import ConfigError

__all__ = ["Settings", "read_settings"]


class Settings(msgspec.Struct, frozen=True):
    """What was configured. `warnings` are said once, by the command that runs."""

    store: Path | None = None
    warnings: tuple[str, ...] = ()


def read_settings(graph: Path | None, *, store: str | None, environment: Mapping[str, str] = os.environ) -> Settings:
    """Return the settings for a graph (or for none). Raises ConfigError, GraphError with mistakes of the files."""
    path: Path | None = None
    warnings: list[str] = []
    for file, own in _files(graph, environment):
        from dagcontent.cli.settings_file import read_file_settings  # noqa: PLC0415 - most have none

        found, said = read_file_settings(file, own=own)
        path = found or path
        warnings += said
    chosen = store or environment.get("DAGCONTENT_STORE")
    if chosen:
        path = Path(chosen).expanduser()
    return Settings(path, tuple(warnings))


def _files(graph: Path | None, environment: Mapping[str, str]) -> list[tuple[Path, bool]]:
    """Return the files there are, each with whether it is the user's own."""
    files: list[tuple[Path, bool]] = []
    named = environment.get("DAGCONTENT_CONFIG")
    if named:
        config = Path(named).expanduser()
        if not config.is_file():
            text = f"the configuration {named} is not there"
            raise ConfigError(text, hint="DAGCONTENT_CONFIG names a file; unset it to use the default place")
        files.append((config, True))
    else:
        from platformdirs import user_config_path  # noqa: PLC0415 - as late as it can be

        config = user_config_path("dagcontent", appauthor=False) / "config.toml"
        if config.is_file():
            files.append((config, True))
    if graph is not None:
        beside = graph.parent / "dagcontent.toml"
        if beside.is_file() and not (graph.is_file() and beside.samefile(graph)):
            files.append((beside, False))
    return files
