"""Turn configuration files and the environment into settings. The only place that reads either.

`config.toml` of the user, then `dagcontent.toml` beside the graph over it, then the environment, then the command
line. A file beside a graph came with the graph: it may set nothing that leads a secret or a request elsewhere, and
raise no budget.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from dagcontent.errors import ConfigError

if TYPE_CHECKING:
    from dagcontent.catalog.market import Market
    from dagcontent.cli.settings_file import FileSettings
    from dagcontent.cli.settings_provider import ProviderTable
    from dagcontent.providers.config import ProviderConfig
    from dagcontent.providers.gate_proxy import Proxies
    from dagcontent.values.money import Ceiling
    from dagcontent.values.units import UnitCeiling

__all__ = ["Settings", "files_beside", "read_settings"]


class Settings(msgspec.Struct, frozen=True, dict=True):
    """What was configured. `warnings` are said once, by the command that runs.

    `market` says whose prices hold, where that is configured. `ceilings` and `unit_ceilings` are the lowest that any file set;
    `confirm_above_microusd` is what may be spent unasked. `tables` are the
    providers as configured, without keys: what keeps their results apart is all in there.
    """

    store: Path | None = None
    warnings: tuple[str, ...] = ()
    ceilings: tuple[Ceiling, ...] = ()
    unit_ceilings: tuple[UnitCeiling, ...] = ()
    confirm_above_microusd: int = 0
    tables: Mapping[str, ProviderTable] = {}
    make_providers: Callable[[], Mapping[str, ProviderConfig]] = dict
    make_proxies: Callable[[], Proxies | None] = lambda: None
    market: Market | None = None

    @cached_property
    def providers(self) -> Mapping[str, ProviderConfig]:
        """Every provider with its key. The environment and `.env` are looked at now. Raises ConfigError."""
        return self.make_providers()


def read_settings(graph: Path | None, *, store: str | None, environment: Mapping[str, str] = os.environ) -> Settings:
    """Return the settings for a graph (or for none). Raises ConfigError, GraphError with mistakes of the files."""
    own: FileSettings | None = None
    beside: FileSettings | None = None
    for file, is_own in _files(graph, environment):
        from dagcontent.cli.settings_file import read_file_settings  # noqa: PLC0415 - most have none

        if is_own:
            own = read_file_settings(file, own=True)
        else:
            beside = read_file_settings(file, own=False)
    path = (beside and beside.store) or (own and own.store) or None
    chosen = store or environment.get("DAGCONTENT_STORE")
    if chosen:
        path = Path(chosen).expanduser()
    tables = own.providers if own is not None else {}
    env_file = graph.parent / ".env" if graph is not None else None

    def providers() -> Mapping[str, ProviderConfig]:
        from dagcontent.cli.settings_keys import provider_configs  # noqa: PLC0415 - a free graph needs no provider

        return provider_configs(tables, environment, env_file)

    def proxies() -> Proxies:
        from dagcontent.providers.gate_proxy import Proxies  # noqa: PLC0415 - as above

        return Proxies.read(environment)

    ceilings, units, warnings = _ceilings(own, beside)
    confirm, said = _confirm(own, beside)
    market = own.market if own is not None else None
    return Settings(path, (*warnings, *said), ceilings, units, confirm, tables, providers, proxies, market)


def _ceilings(
    own: FileSettings | None, beside: FileSettings | None
) -> tuple[tuple[Ceiling, ...], tuple[UnitCeiling, ...], tuple[str, ...]]:
    """Return the ceilings that hold, and the warnings of all files."""
    warnings = [warning for file in (own, beside) if file is not None for warning in file.warnings]
    ceilings = own.ceilings if own is not None else ()
    units = own.unit_ceilings if own is not None else ()
    if beside is not None and (beside.ceilings or beside.unit_ceilings):
        from dagcontent.cli.settings_budget import lowest  # noqa: PLC0415 - most have none

        low, said = lowest(ceilings, beside.ceilings)
        low_units, said_of_units = lowest(units, beside.unit_ceilings)
        ceilings, units, warnings = tuple(low), tuple(low_units), [*warnings, *said, *said_of_units]
    return ceilings, units, tuple(warnings)


def _confirm(own: FileSettings | None, beside: FileSettings | None) -> tuple[int, tuple[str, ...]]:
    """Return what may be spent unasked, and a warning if a file beside a graph would raise it."""
    confirm = (own.confirm_above_microusd if own is not None else None) or 0
    given = beside.confirm_above_microusd if beside is not None else None
    if given is None or given <= confirm:
        return confirm if given is None else given, ()
    return confirm, ("confirm_above_usd beside the graph does not raise your own: it can lower it only",)


def files_beside(graph: Path) -> list[str]:
    """Return the files that configure a graph from beside it, whether they are there or not."""
    return [os.path.realpath(graph.parent / "dagcontent.toml")]


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
