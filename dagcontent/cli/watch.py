"""The command `watch`: the plan's difference after every edit, and builds of it where that was asked for. Knows no file system."""

from __future__ import annotations

import contextlib
import datetime as dt
import gc
from pathlib import Path
from typing import Any

import click
import msgspec

from dagcontent import api
from dagcontent.api import watching
from dagcontent.api.watching import Look, Sources
from dagcontent.cli.build import CODES, conclude, note_cancelled, spending_of, view_of
from dagcontent.cli.going_on import GoesOn
from dagcontent.cli.money import dollars, given_budget
from dagcontent.cli.options import (
    graph_argument,
    output_options,
    params_option,
    profile_options,
    store_option,
    targets_argument,
)
from dagcontent.cli.plan_text import plan_lines
from dagcontent.cli.screen import Screen
from dagcontent.cli.session import Session
from dagcontent.cli.settings import files_beside
from dagcontent.cli.watch_text import moved_lines
from dagcontent.cli.words import counted
from dagcontent.errors import ConfigError, DagcontentError, InternalError, UsageError
from dagcontent.plan.model import Plan
from dagcontent.run.events import BuildStarted, Event

__all__ = ["command"]


@click.command("watch")
@graph_argument
@targets_argument
@params_option
@profile_options
@store_option
@click.option("--auto", is_flag=True, help="Build after each plan; what costs money within --budget.")
@click.option("--budget", metavar="USD", help="With --auto: the most that all its builds together may spend, as 2.50.")
@output_options
def command(  # noqa: PLR0913 - the options
    graph: str, targets: tuple[str, ...], params: tuple[str, ...], profile: str | None, store: str | None, *, auto: bool,
    budget: str | None, quiet: bool, verbose: bool,
) -> int:  # fmt: skip
    """Plan GRAPH (or some TARGETs) again on every edit of it, its includes, its files, the choices and dagcontent.toml, and
    say what moved. A graph that is broken says its mistakes, and is watched on.

    Builds nothing and spends nothing, but with --auto. Ctrl-C ends it; one that breaks a build off exits with 130.
    """
    if budget is not None and not auto:
        raise UsageError("--budget bounds what --auto spends", hint="dagcontent watch GRAPH --auto --budget USD")
    limit = None if budget is None else given_budget(budget)
    options = {"graph": graph, "params": params, "profile": profile, "store": store, "quiet": quiet, "verbose": verbose}
    watcher = _Watcher(options, targets, limit, auto=auto)
    changes = watching.changes()
    try:
        while True:
            code = watcher.turn()
            if code == CODES["interrupted"]:
                return code
            while watcher.sources.same():
                changes.wait(watcher.sources)
    except KeyboardInterrupt:
        return watcher.end()


class _Watcher:
    """What is known from one look at the graph to the next."""

    def __init__(self, options: dict[str, Any], targets: tuple[str, ...], limit: int | None, *, auto: bool) -> None:
        self._options = options
        self._targets = targets
        self._limit = limit
        self._auto = auto
        self._graph = str(options["graph"])
        self._last: Plan | None = None
        self._runs: list[str] = []
        self._store: Path | None = None
        self._plans = 0
        self.sources = Sources()

    def turn(self) -> int:
        """Look at the graph, say what moved, build if that was asked for; return the exit code of the build."""
        session = Session(**self._options)
        try:
            found = self._looked(session)
        except InternalError:
            raise
        except DagcontentError as error:
            self._broken(session.screen, error)
            self.sources = watching.with_asked(self._graph, self.sources, session.params, session.profile)
            return 0
        finally:
            gc.enable()  # it goes on for hours, and a session lets the collector rest
        self._say(session, found.plan)
        self._last = found.plan
        try:
            return self._build(session, found) if self._auto and found.plan.pending else 0
        finally:
            gc.enable()

    def end(self) -> int:
        """Say what came of it all; return the exit code."""
        screen = Screen(quiet=bool(self._options["quiet"]))
        words = [f"watched {self._graph}", counted(self._plans, "plan")]
        if self._runs and self._store is not None:
            spent = watching.spent_by(self._store, self._runs)
            words += [counted(len(self._runs), "build"), *([f"{dollars(spent)} spent"] if spent else [])]
        screen.say("\n" + "   ".join(words))
        return 0

    def _looked(self, session: Session) -> Look:
        self.sources = watching.known_before(self._graph, self.sources, files_beside(Path(self._graph)))
        settings = session.settings
        self._store = session.store
        found = watching.look(
            self._graph, self._targets, params=session.params, profile=session.profile, store=session.store,
            realms=session.realms, market=settings.market, ceilings=settings.ceilings,
            beside=files_beside(Path(self._graph)),
        )  # fmt: skip
        if self._auto and self._limit is None and found.paid and self._last is None:
            raise _NoBudgetError("this graph may cost money: --auto needs a budget", hint="--auto --budget 2.00")
        self.sources = found.sources
        self._plans += 1
        return found

    def _broken(self, screen: Screen, error: DagcontentError) -> None:
        """Say what is wrong, and go on watching; what could never be watched ends it."""
        from dagcontent.cli.failure import complain_of  # noqa: PLC0415 - only where something went wrong

        if isinstance(error, _NoBudgetError) or (self._last is None and not Path(self._graph).is_file()):
            raise error
        complain_of(screen, error)
        screen.say(f"{_clock()}   watching on")

    def _say(self, session: Session, plan: Plan) -> None:
        screen = session.screen
        last = self._last
        for warning in plan.warnings:
            if last is None or warning not in last.warnings:
                session.warn(warning)
        if last is None:
            lines = plan_lines(plan, screen, self._graph, dt.datetime.now().astimezone().date())
            lines += ["", screen.style("dim", f"{_clock()}   watching; Ctrl-C ends it")]
        else:
            lines = moved_lines(last, plan, screen, self._graph, _clock())
        for line in lines:
            screen.say(line)

    def _build(self, session: Session, found: Look) -> int:
        """Build within what is left of the budget; return the exit code."""
        if found.paid and self._limit is None:
            session.warn("this graph may cost money now: nothing is built", "start again with --budget USD")
            return 0
        spending = spending_of(session, self._left(session.store))
        cancelled: set[str] = set()
        try:
            with contextlib.ExitStack() as stack:
                listeners = [
                    self._note_run, lambda event: note_cancelled(event, cancelled),
                    stack.enter_context(view_of(session, self._targets)),
                ]  # fmt: skip
                result = api.build(
                    session.path, self._targets, params=session.params, profile=session.profile, store=session.store,
                    listeners=listeners, signals=True, details=False, spending=msgspec.structs.replace(spending, ask=None),
                )  # fmt: skip
        except InternalError:
            raise
        except DagcontentError as error:
            self._broken(session.screen, error)
            return 0
        conclude(session, result, GoesOn(self._targets), cancelled)
        with contextlib.suppress(DagcontentError):  # what it has made is no news at the next edit
            self._last = self._after(session)
        return CODES[result.status]

    def _after(self, session: Session) -> Plan:
        settings = session.settings
        return api.plan(
            session.path, self._targets, params=session.params, profile=session.profile, store=session.store,
            realms=session.realms, market=settings.market, ceilings=settings.ceilings,
        )  # fmt: skip

    def _left(self, store: Path) -> int | None:
        """Return what is left of the budget of all builds of this watch, in micro-USD."""
        if self._limit is None:
            return None
        return max(0, self._limit - watching.spent_by(store, self._runs))

    def _note_run(self, event: Event) -> None:
        if isinstance(event, BuildStarted) and event.run:
            self._runs.append(event.run)


class _NoBudgetError(ConfigError):
    """Nobody said what may be spent."""


def _clock() -> str:
    return f"{dt.datetime.now().astimezone():%H:%M:%S}"
