"""The command `graph`: the picture of a graph, with what is made and what is not. Runs nothing."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import click

from dagcontent import api
from dagcontent.cli.columns import Cell, aligned
from dagcontent.cli.options import graph_argument, output_options, params_option, profile_options, store_option
from dagcontent.cli.screen import safe
from dagcontent.cli.session import Session
from dagcontent.cli.words import counted
from dagcontent.errors import ConfigError
from dagcontent.plan.model import PlanRow
from dagcontent.report.diagrams import document, dot, mermaid, table
from dagcontent.report.picture import Picture, picture_of

__all__ = ["command"]

_FORMATS = ("svg", "mermaid", "dot", "json", "text")
_BY_ENDING = {
    ".svg": "svg",
    ".mmd": "mermaid",
    ".mermaid": "mermaid",
    ".dot": "dot",
    ".gv": "dot",
    ".json": "json",
    ".txt": "text",
}


@click.command("graph")
@graph_argument
@params_option
@profile_options
@store_option
@click.option(
    "-f", "--format", "form", type=click.Choice(_FORMATS), help="The form; else by the ending of FILE, else text."
)
@click.option("-o", "--output", metavar="FILE", help="Write to a file instead of stdout.")
@click.option("--no-status", is_flag=True, help="Do not look into the store: show the graph alone.")
@click.option("--json", "as_json", is_flag=True, help="The same as --format json.")
@output_options
def command(  # noqa: PLR0913 - the options
    graph: str,
    params: tuple[str, ...],
    store: str | None,
    form: str | None,
    output: str | None,
    *,
    profile: str | None,
    no_status: bool,
    as_json: bool,
    quiet: bool,
    verbose: bool,
) -> int:
    """Draw GRAPH: a box a node, coloured by what a build would do with its instances.

    A fan-out is one box with its counts. Arrows that a longer way implies are left out.
    """
    form = form or ("json" if as_json else _BY_ENDING.get(Path(output or "").suffix.lower(), "text"))
    session = Session(
        graph=graph, params=params, profile=profile, store=store, json=form == "json", quiet=quiet, verbose=verbose
    )
    loaded = session.loaded
    rows: Sequence[PlanRow] = ()
    warnings = loaded.warnings
    if not no_status:
        plan = api.plan(loaded, store=session.store, realms=session.realms, explain=False)
        rows, warnings = plan.rows, plan.warnings
    for warning in warnings:
        session.warn(warning)
    picture = picture_of(loaded.graph, rows)
    if form == "text" and output is None:
        _say(session, picture)
        return 0
    text = _drawn(picture, form)
    if output is None:
        session.screen.text(text)
        return 0
    try:
        Path(output).write_text(text, encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"{output} cannot be written: {error.strerror}", hint="give another file after -o") from None
    session.screen.say(f"{safe(output)}: {counted(len(picture.boxes), 'node')}")
    return 0


def _drawn(picture: Picture, form: str) -> str:
    if form == "svg":
        from dagcontent.report.svg import svg  # noqa: PLC0415 - one form of five

        return svg(picture)
    if form == "mermaid":
        return mermaid(picture)
    if form == "dot":
        return dot(picture)
    if form == "json":
        return json.dumps(document(picture), ensure_ascii=False, indent=2) + "\n"
    return "\n".join(aligned(table(picture), 120, indent=0)) + "\n"


def _say(session: Session, picture: Picture) -> None:
    screen = session.screen
    words = [screen.style("head", safe(picture.name)), counted(len(picture.boxes), "node")]
    words += [screen.style(status, f"{count:,} {status.replace('_', ' ')}") for status, count in picture.counts.items()]
    screen.say("   ".join(words))
    rows: list[Sequence[Cell]] = [[("dim", title) for title in ("node", "made by", "each", "state", "uses")]]
    statuses = {box.name: box.statuses for box in picture.boxes}
    for name, made_by, many, state, uses in table(picture):
        first = statuses[name][0][0] if len(statuses[name]) == 1 else "dim" if not statuses[name] else "run"
        rows.append([("head", safe(name)), ("dim", safe(made_by)), safe(many), (first, state), safe(uses)])
    screen.say()
    for line in aligned(rows, screen.width(), screen.style, shrink=(0, 1, 2, 4)):
        screen.say(line)
