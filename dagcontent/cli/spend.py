"""The command `spend`: the ledger of what was paid, summed, and what vendors tell later. Knows no vendor, and not how a journal is kept."""

from __future__ import annotations

import csv
import io
import time
from pathlib import Path

import click

from dagcontent.api import ledger as api
from dagcontent.cli.options import json_option, output_options, store_option
from dagcontent.cli.session import Session
from dagcontent.cli.spend_text import COLUMNS, reconciled_lines, spend_document, spend_lines
from dagcontent.errors import ConfigError, UsageError

__all__ = ["command"]


@click.command("spend")
@click.option(
    "--by",
    default="provider",
    show_default=True,
    metavar="WHAT",
    help="What to sum by: day, graph, model, node, provider or run.",
)
@click.option("--since", metavar="WHEN", help="From a date on (2026-11-01, in UTC), or the last 24h, 7d, 2w.")
@click.option("--graph", type=click.Path(), metavar="GRAPH", help="Only what was paid for this graph.")
@click.option(
    "--reconcile",
    "asking",
    is_flag=True,
    help="First ask vendors that tell it later what requests have cost; it is free.",
)
@store_option
@json_option
@click.option("--csv", "as_csv", is_flag=True, help="One line of commas a row on stdout, amounts in USD.")
@output_options
def command(  # noqa: PLR0913 - the options of a command
    by: str, since: str | None, graph: str | None, store: str | None, *, asking: bool, as_json: bool, as_csv: bool,
    quiet: bool, verbose: bool,
) -> int:  # fmt: skip
    """Say what was spent: sums of all paid requests, those that failed, were given up or are under way included. Needs no graph.

    What a vendor said it charged is "reported"; what it counted, times its list price, "computed". Where it says nothing, the
    list price of the request is "estimated"; where there is none, or nobody knows what became of it, its upper bound is
    "unknown".
    """
    if as_json and as_csv:
        raise UsageError("--json and --csv are two forms of the same document", hint="give one of them")
    if by not in api.WAYS:
        raise UsageError(f"--by {by}: there are no sums by that", hint=f"there are {', '.join(api.WAYS)}")
    session = Session(graph=graph, store=store, json=as_json or as_csv, quiet=quiet, verbose=verbose)
    asked = api.since_of(since, int(time.time() * 1000)) if since is not None else api.Since()
    path = None if graph is None else Path(graph).resolve()
    screen = session.screen
    if asking:
        from dagcontent.api import reconciling  # noqa: PLC0415 - calls vendors

        for line in reconciled_lines(reconciling.reconcile(session.store, session.asking, asked, path), screen):
            screen.say(line)
    found = api.spend(session.store, by, asked, path)
    if path is not None and not found.rows and not path.exists():
        raise ConfigError(
            f"nothing was spent for {graph}, and there is no such file", hint="spend --by graph lists graphs"
        )
    if as_json:
        screen.document(spend_document(found))
    elif as_csv:
        screen.text(_csv(found))
    else:
        for line in spend_lines(found, screen, session.store_options, asked=asking):
            screen.say(line)
    return 0


def _csv(found: api.Spend) -> str:
    out = io.StringIO()
    rows = csv.writer(out, lineterminator="\n")
    rows.writerow([found.by, *(["graph"] if found.by == "node" else []), *COLUMNS])
    for row in spend_document(found)["rows"]:
        # Names begin with a letter, a digit or a slash: no program for tables takes them for a formula.
        names = [row[found.by], *([row["graph"]] if found.by == "node" else [])]
        rows.writerow([*names, *(row[name] for name in COLUMNS)])
    return out.getvalue()
