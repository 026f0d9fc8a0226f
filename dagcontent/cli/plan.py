"""The command `plan`: what a build would do, and why. Runs nothing, and writes nothing but a file that is asked for."""

from __future__ import annotations

import json
from pathlib import Path

import click
import msgspec

from dagcontent import api
from dagcontent.cli.documents import plan_document
from dagcontent.cli.money import BUYS, budget_for, total
from dagcontent.cli.names import node_of
from dagcontent.cli.options import (
    graph_argument,
    json_option,
    later,
    output_options,
    params_option,
    store_option,
    targets_argument,
)
from dagcontent.cli.plan_text import plan_lines
from dagcontent.cli.session import Session
from dagcontent.cli.words import command as command_line
from dagcontent.cli.words import listed
from dagcontent.errors import ConfigError, DagcontentError
from dagcontent.plan.model import Plan

__all__ = ["command", "run_plan"]

PENDING = 3


@click.command("plan")
@graph_argument
@targets_argument
@params_option
@store_option
@click.option("-o", "--output", metavar="FILE", help="Write the JSON document to a file as well.")
@click.option("--exit-code", is_flag=True, help="Exit with 3 if a build would have work.")
@later("--profile", "--compare", "--budget", flags=("--draft",))
@json_option
@output_options
def command(  # noqa: PLR0913 - the options
    graph: str,
    targets: tuple[str, ...],
    params: tuple[str, ...],
    store: str | None,
    output: str | None,
    *,
    exit_code: bool,
    as_json: bool,
    quiet: bool,
    verbose: bool,
) -> int:
    r"""Say what a build of GRAPH (or of some TARGETs, as in clip or clip[intro]) would do, and why.

    \b
    hit         its result is in the store
    run         will be made
    maybe       depends on content that is still to be made
    resume      was sent before: its result is fetched, nothing more is paid
    repay       was paid for and its bytes are gone: needs --repay
    unresolved  was sent, and nobody can tell what became of it: dagcontent jobs
    skipped     its `when` does not hold
    """
    session = Session(graph=graph, params=params, store=store, json=as_json, quiet=quiet, verbose=verbose)
    return run_plan(session, targets, output=output, exit_code=exit_code)


def run_plan(session: Session, targets: tuple[str, ...], *, output: str | None = None, exit_code: bool = False) -> int:
    """Do what `plan` and `build --dry-run` do; return the exit code."""
    made = api.plan(
        session.path,
        targets,
        params=session.params,
        store=session.store,
        realms=session.realms,
        market=session.settings.market,
    )
    for warning in made.warnings:
        session.warn(warning)
    if lacking := _lacking(session, made):
        for what, mends in lacking:
            session.warn(what, mends)
        made = msgspec.structs.replace(
            made, warnings=(*made.warnings, *(f"{what}; {mends}" for what, mends in lacking))
        )
    document = plan_document(made) if session.screen.json or output else None
    if output:
        _write(Path(output), json.dumps(document, ensure_ascii=False, indent=2) + "\n")
    if session.screen.json:
        session.screen.document(document)
    else:
        _say(session, made, targets)
    if any(row.status == "failed" for row in made.rows):
        return 1
    return PENDING if exit_code and made.pending else 0


def _lacking(session: Session, made: Plan) -> list[tuple[str, str]]:
    """Return what keeps paid nodes from being sent: packages and keys, each with what mends it. A plan needs none of them."""
    rows = [row for row in made.rows if row.price is not None and row.status in {"run", "maybe", "repay", "resume"}]
    if not rows:
        return []
    from dagcontent.api.spending import Spending, lacks  # noqa: PLC0415 - a free graph lacks nothing

    try:
        return lacks(Spending(make_configs=lambda: session.settings.providers), rows)
    except DagcontentError as error:  # a build will refuse it; a plan goes without
        return [(error.message, error.hint or "")]


def _say(session: Session, made: Plan, targets: tuple[str, ...]) -> None:
    screen = session.screen
    for line in plan_lines(made, screen, session.graph or ""):
        screen.say(line)
    screen.say()
    for command, what in _next(session, made, targets):
        fits = len(command) + len(what) + 6 <= screen.width()
        screen.say(screen.style("command", command) + (f"    # {what}" if what and fits else ""))
        if what and not fits:
            screen.say(f"  # {what}")
    if not made.pending and not any(row.status in {"unresolved", "repay", "failed"} for row in made.rows):
        screen.say("nothing to make; a build only puts the outputs in their places" if made.rows else "nothing to make")


def _next(session: Session, made: Plan, targets: tuple[str, ...]) -> list[tuple[str, str]]:
    """Return the commands that go on, each with what it is for."""
    commands: list[tuple[str, str]] = []
    store = session.store_options
    stuck = [row for row in made.rows if row.attempt is not None and row.status in {"unresolved", "failed"}]
    if stuck:
        commands.append((command_line("jobs", "list", *store), f"settles {listed([row.node for row in stuck])}"))
    lost = [row for row in made.rows if row.status == "repay"]
    if made.pending or lost:
        due, unpriced = total(row for row in made.rows if row.status in {"run", "maybe"})
        budget = ["--budget", budget_for(due.high or 0)] if due.high or unpriced else []
        again = command_line(*session.again("build", *targets, *budget))
        commands.append((again, "fetches what the vendors still have, for nothing" if lost else ""))
    if lost:
        most = total(row for row in made.rows if row.status in BUYS)[0].high or 0
        nodes = dict.fromkeys(node_of(row.node) for row in lost)
        repay = [word for node in nodes for word in ("--repay", node)]
        command = command_line(*session.again("build", *targets, *repay, "--budget", budget_for(most)))
        commands.append((command, "pays again for what they have not"))
    return commands


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"{path} cannot be written: {error.strerror}", hint="give another file after -o") from None
