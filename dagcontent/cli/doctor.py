"""The command `doctor`: what builds need, and what of it is there. Changes nothing."""

from __future__ import annotations

import datetime as dt
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import msgspec

from dagcontent.api.health import Check, examine
from dagcontent.catalog.market import Market
from dagcontent.cli.options import json_option, output_options, params_option, store_option
from dagcontent.cli.screen import safe
from dagcontent.cli.session import Session
from dagcontent.cli.words import command as command_line
from dagcontent.errors import DagcontentError, GraphError

if TYPE_CHECKING:
    from dagcontent.api.upkeep import Upkeep

__all__ = ["command"]

_ROLES = {"ok": "ok", "warning": "warning", "failed": "failed", "unused": "dim"}
_INDENT = " " * 23


@click.command("doctor")
@click.argument("graph", type=click.Path(), metavar="[GRAPH]", required=False)
@params_option
@store_option
@json_option
@output_options
def command(
    graph: str | None, params: tuple[str, ...], store: str | None, *, as_json: bool, quiet: bool, verbose: bool
) -> int:
    """Look at this machine: packages, SQLite, ffmpeg and its filters, eSpeak NG, the store, free space, the providers; and at
    the catalog: prices that are old, models that end.

    With GRAPH, the models that it names are looked at: those that are no more or soon will not be, with what comes after
    them and what the change costs, and those whose price was found more than 90 days ago. Keys are looked for in the .env
    file beside it too. No key is shown, and no provider is asked anything.

    Exit code 1 if something that builds need is missing.
    """
    session = Session(graph=graph, params=params, store=store, json=as_json, quiet=quiet, verbose=verbose)
    screen = session.screen
    checks: list[Check] = []
    catalog = _Catalog(session)
    for check in _examined(session, catalog):
        checks.append(check)
        first, *rest = textwrap.wrap(
            safe(check.found), max(20, screen.width() - len(_INDENT)), break_on_hyphens=False
        ) or [""]
        screen.say(f"  {screen.style(_ROLES[check.state], f'{check.state:<7}')}  {check.name:<10}  {first}")
        for line in rest:
            screen.say(_INDENT + line)
        if check.hint:
            screen.say(f"{_INDENT}-> {safe(check.hint)}")
    failed = [check.name for check in checks if check.state == "failed"]
    for line in catalog.lines():
        screen.say(line)
    if as_json:
        screen.document(
            {"ok": not failed, "checks": [msgspec.to_builtins(check) for check in checks], **catalog.document()}
        )
    elif failed:
        screen.complain(f"\nnot ready: {', '.join(failed)}")
    else:
        screen.say("\nready to build")
    return 1 if failed else 0


def _examined(session: Session, catalog: _Catalog) -> Iterator[Check]:
    yield from examine(session.store, lambda: session.settings.providers)
    yield catalog.check()
    if session.graph is not None and Path(session.graph).exists():
        yield catalog.check_graph(session.graph)


class _Catalog:
    """The catalog, and the models of the graph, as they stand today."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._today = dt.datetime.now(dt.UTC).date()  # as plans and builds do
        self._models: tuple[Upkeep, ...] | None = None
        self._counts: dict[str, int] = {}

    def check(self) -> Check:
        """Count what there is."""
        from dagcontent.api.choosing import STALE_DAYS  # noqa: PLC0415 - as late as all else here
        from dagcontent.api.upkeep import of_catalog  # noqa: PLC0415
        from dagcontent.cli.upkeep_text import catalog_words  # noqa: PLC0415

        found = of_catalog(self._market, self._today)
        self._counts = msgspec.to_builtins(found)
        hint = "dagcontent models --stale" if found.stale else None
        return Check("catalog", "warning" if found.stale else "ok", catalog_words(found, STALE_DAYS), hint)

    def check_graph(self, graph: str) -> Check:
        """Look at the models that the graph names."""
        from dagcontent.api.choosing import SOON_DAYS  # noqa: PLC0415 - as above
        from dagcontent.api.upkeep import of_graph  # noqa: PLC0415
        from dagcontent.cli.upkeep_text import graph_words  # noqa: PLC0415

        session = self._session
        try:
            found = of_graph(session.loaded, session.store, self._market, self._today, session.realms)
        except GraphError as error:
            return Check("graph", "failed", error.message, command_line("check", graph))
        except DagcontentError as error:
            return Check("graph", "failed", error.message, error.hint)
        self._models = found
        state = "warning" if any(one.due for one in found) else "ok"
        return Check("graph", state, f"{graph} {graph_words(found, SOON_DAYS)}")

    def lines(self) -> Iterator[str]:
        """Yield what is to be done about the graph's models."""
        if self._models:
            from dagcontent.cli.upkeep_text import upkeep_lines  # noqa: PLC0415 - as above

            yield from upkeep_lines(self._models, self._session.screen, self._today)

    def document(self) -> dict[str, Any]:
        """Return the same as JSON data; `models` is null without a graph that can be read."""
        from dagcontent.api.upkeep import document  # noqa: PLC0415 - as above

        rows = None if self._models is None else [document(one) for one in self._models]
        return {"catalog": self._counts, "models": rows}

    @property
    def _market(self) -> Market:
        return self._session.settings.market or Market()
