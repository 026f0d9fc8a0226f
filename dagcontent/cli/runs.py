"""The command `runs`: the history of builds, and what one of them made and cost. Knows no graph, and not how a store keeps it."""

from __future__ import annotations

import datetime as dt
import time
from pathlib import Path

import click

from dagcontent.api import past as api
from dagcontent.api.ledger import Since, since_of
from dagcontent.cli.options import json_option, output_options, store_option
from dagcontent.cli.runs_text import run_document, run_lines, runs_document, runs_lines
from dagcontent.cli.session import Session
from dagcontent.errors import ConfigError, UsageError

__all__ = ["command"]


@click.command("runs")
@click.argument("run", required=False, metavar="[RUN]")
@click.option(
    "-n", "most", type=click.IntRange(1), default=20, show_default=True, metavar="N", help="How many runs at most."
)
@click.option("--all", "everything", is_flag=True, help="All runs there were.")
@click.option("--graph", type=click.Path(), metavar="GRAPH", help="Only the runs of this graph.")
@click.option("--since", metavar="WHEN", help="From a date on (2026-11-01, in UTC), or the last 24h, 7d, 2w.")
@store_option
@json_option
@output_options
def command(  # noqa: PLR0913 - the options of a command
    run: str | None, most: int, graph: str | None, since: str | None, store: str | None, *, everything: bool, as_json: bool,
    quiet: bool, verbose: bool,
) -> int:  # fmt: skip
    """List the runs there were, the newest first; or say of one RUN (the beginning of its id) what it made and what it cost.

    Needs no graph. A build that found everything made already is no run. A run that "died" ended without a word: what it
    finished is kept, and the next build goes on with what it sent.
    """
    session = Session(graph=graph, store=store, json=as_json, quiet=quiet, verbose=verbose)
    screen, now = session.screen, _now()
    if run is not None:
        if graph is not None or since is not None or everything:
            raise UsageError(
                "RUN names one run: --graph, --since and --all choose among many", hint="give one or the other"
            )
        detail = api.show_run(session.store, run)
        if as_json:
            screen.document(run_document(detail))
            return 0
        for line in run_lines(detail, screen, now, session.store_options):
            screen.say(line)
        return 0
    asked = since_of(since, int(time.time() * 1000)) if since is not None else Since()
    path = None if graph is None else Path(graph).resolve()
    found = api.list_runs(session.store, graph=path, since=asked, most=None if everything else most)
    if path is not None and not found.rows and not path.exists():
        raise ConfigError(f"nothing was built of {graph}, and there is no such file", hint="runs --all lists all runs")
    if as_json:
        screen.document(runs_document(found))
        return 0
    for line in runs_lines(found, screen, now, session.store_options):
        screen.say(line)
    return 0


def _now() -> dt.datetime:
    return dt.datetime.now().astimezone()
