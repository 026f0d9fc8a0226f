"""Turn the options that all commands share into a screen, a store's path and a loaded graph. Knows no command."""

from __future__ import annotations

import gc
import os
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from dagcontent import api
from dagcontent.cli.screen import Screen, safe
from dagcontent.cli.settings import Settings, read_settings
from dagcontent.errors import ConfigError
from dagcontent.spec.words import DRAFT

if TYPE_CHECKING:
    from dagcontent.api.loaded import LoadedGraph
    from dagcontent.api.spending import Spending

__all__ = ["Session", "given_params"]


class Session:
    """One run of one command.

    The garbage collector rests from here on: what a load makes lives until the end, and looking through it again and
    again costs more than all the rest of a plan (a build lets it work while it runs).
    """

    def __init__(
        self,
        *,
        graph: str | None = None,
        params: Sequence[str] = (),
        profile: str | None = None,
        store: str | None = None,
        json: bool = False,
        quiet: bool = False,
        verbose: bool = False,
    ) -> None:
        gc.disable()
        self.screen = Screen(json=json, quiet=quiet, verbose=verbose)
        self.graph = graph
        self._given = tuple(params)
        self.profile = profile
        self._store = store
        self.params = given_params(params)
        self._settings: Settings | None = None

    @property
    def settings(self) -> Settings:
        """What is configured for this graph. Raises ConfigError, GraphError for a wrong configuration."""
        if self._settings is None:
            self._settings = read_settings(Path(self.graph) if self.graph else None, store=self._store)
            for warning in self._settings.warnings:
                self.warn(warning)
        return self._settings

    @property
    def store(self) -> Path:
        """The store that is used. Raises ConfigError, GraphError for a wrong configuration."""
        return self.settings.store or api.default_store()

    @property
    def realms(self) -> dict[str, str]:
        """What keeps apart the results of hosts that stand for a vendor's own."""
        if not self.settings.tables:
            return {}
        return {name: config.realm for name, config in self.settings.providers.items() if config.realm}

    @property
    def asking(self) -> Spending:
        """Who is asked about what was sent before, and whose prices hold. Nobody agreed to pay for anything."""
        from dagcontent.api.spending import Spending  # noqa: PLC0415 - most commands ask nobody
        from dagcontent.catalog.market import Market  # noqa: PLC0415 - as above

        settings = self.settings
        return Spending(
            make_configs=lambda: settings.providers, make_proxies=settings.make_proxies,
            market=settings.market or Market(),
        )  # fmt: skip

    @property
    def path(self) -> str:
        """The graph as it was given: an unchanged one is answered without being read."""
        assert self.graph is not None
        return self.graph

    @cached_property
    def loaded(self) -> LoadedGraph:
        """The graph, read when this is first asked for. Raises GraphError, ConfigError."""
        return api.load(self.path, params=self.params, profile=self.profile)

    def warn(self, text: str, hint: str = "") -> None:
        """Say what could go wrong, and what mends it, on stderr."""
        if not self.screen.quiet:
            self.screen.complain(f"{self.screen.style_error('warning', 'warning')}: {safe(text)}")
            if hint:
                self.screen.complain(f"  {self.screen.style_error('note', safe(hint))}")

    @property
    def store_options(self) -> list[str]:
        """The options that name the store, as they were given."""
        return ["--store", self._store] if self._store else []

    @property
    def profile_options(self) -> list[str]:
        """The options that name the profile, as they can be given."""
        if self.profile is None:
            return []
        return ["--draft"] if self.profile == DRAFT else ["--profile", self.profile]

    def again(self, *words: str) -> list[str]:
        """Return the words of a command on the same graph with the same parameters, profile and store."""
        options = [word for given in self._given for word in ("-p", given)]
        options += self.profile_options + self.store_options
        return [*words[:1], os.fspath(self.graph or ""), *words[1:], *options]


def given_params(texts: Sequence[str]) -> dict[str, str]:
    """Return `-p k=v` as a table; the last of a name wins. Raises ConfigError."""
    made: dict[str, str] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals or not name.strip():
            raise ConfigError(
                f"-p {text}: a parameter needs a name and a value",
                hint="as in -p product=Torch, or -p brief=@brief.txt",
            )
        made[name.strip()] = value
    return made
