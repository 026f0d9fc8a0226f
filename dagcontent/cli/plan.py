"""The command `plan`: what a build would do, and why. Runs nothing, and writes nothing but a file that is asked for."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import click
import msgspec

from dagcontent import api
from dagcontent.cli.documents import plan_document
from dagcontent.cli.money import BUYS, budget_for, given_budget, total
from dagcontent.cli.names import node_of
from dagcontent.cli.options import (
    graph_argument,
    json_option,
    output_options,
    params_option,
    profile_options,
    store_option,
    targets_argument,
)
from dagcontent.cli.plan_file import file_head
from dagcontent.cli.plan_text import plan_lines
from dagcontent.cli.reasons import waits_for_a_word
from dagcontent.cli.session import Session
from dagcontent.cli.words import command as command_line
from dagcontent.cli.words import listed
from dagcontent.errors import ConfigError, DagcontentError
from dagcontent.plan.model import Plan
from dagcontent.values.money import Ceiling

__all__ = ["command", "run_plan"]

PENDING = 3
_MARKDOWN: Final = frozenset({".md", ".markdown"})


@click.command("plan")
@graph_argument
@targets_argument
@params_option
@profile_options
@store_option
@click.option(
    "-o",
    "--output",
    metavar="FILE",
    multiple=True,
    help="Write the plan to FILE, for build --plan; to FILE.md as Markdown. Repeatable.",
)
@click.option("--markdown", is_flag=True, help="Say it as Markdown, for a pull request.")
@click.option("--exit-code", is_flag=True, help="Exit with 3 if a build would have work.")
@click.option("--budget", metavar="USD", help="Say what would not start under a budget, as 2.50.")
@click.option("--compare", metavar="PROFILE", help="Price that profile beside this one.")
@json_option
@output_options
def command(  # noqa: PLR0913 - the options
    graph: str,
    targets: tuple[str, ...],
    params: tuple[str, ...],
    store: str | None,
    output: tuple[str, ...],
    budget: str | None,
    *,
    profile: str | None,
    compare: str | None,
    markdown: bool,
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
    session = Session(
        graph=graph, params=params, profile=profile, store=store, json=as_json, quiet=quiet, verbose=verbose
    )
    if markdown and (as_json or compare is not None):
        other = "--json" if as_json else "--compare"
        raise ConfigError(f"--markdown and {other} are two forms of one answer", hint="give one of them")
    if compare is not None:
        from dagcontent.cli.compare import run_compare  # noqa: PLC0415 - most plans are not compared

        return run_compare(session, targets, compare, outputs=output, exit_code=exit_code)
    return run_plan(session, targets, outputs=output, exit_code=exit_code, budget=budget, markdown=markdown)


def run_plan(
    session: Session,
    targets: tuple[str, ...],
    *,
    outputs: Sequence[str] = (),
    exit_code: bool = False,
    budget: str | None = None,
    markdown: bool = False,
    retry_primary: bool = False,
) -> int:
    """Do what `plan` and `build --dry-run` do; return the exit code."""
    limit = None if budget is None else given_budget(budget)
    ceilings = [*session.settings.ceilings, *([] if limit is None else [Ceiling("run", limit, "--budget")])]
    made = api.plan(
        session.path, targets, params=session.params, profile=session.profile, store=session.store,
        realms=session.realms, ceilings=ceilings, market=session.settings.market, binding=bool(outputs),
        retry_primary=retry_primary,
    )  # fmt: skip
    for warning in made.warnings:
        session.warn(warning)
    lacking = _lacking(session, made)
    for what, mends in lacking:
        session.warn(what, mends)
    files = [Path(name) for name in outputs]
    again = (*targets, "--retry-primary") if retry_primary else targets
    commands = _next(session, made, again, limit, files)
    for file in files:
        _write(file, _file_text(session, made, targets, commands, file))
    if session.screen.json:
        here = tuple(f"{what}; {mends}" for what, mends in lacking)  # of this machine, so it is in no file
        session.screen.document(plan_document(msgspec.structs.replace(made, warnings=(*made.warnings, *here))))
    elif markdown:
        session.screen.text(_markdown(session, made, commands))
    else:
        _say(session, made, commands)
    if any(row.status == "failed" for row in made.rows):
        return 1
    return PENDING if exit_code and made.pending else 0


def _file_text(
    session: Session, made: Plan, targets: Sequence[str], commands: Sequence[tuple[str, str]], file: Path
) -> str:
    if file.suffix.lower() in _MARKDOWN:
        return _markdown(session, made, commands)
    document = {"plan": file_head(session.path, targets, session.params, session.profile, file), **plan_document(made)}
    return json.dumps(document, ensure_ascii=False, indent=2) + "\n"


def _markdown(session: Session, made: Plan, commands: Sequence[tuple[str, str]]) -> str:
    from dagcontent.cli.plan_markdown import plan_markdown  # noqa: PLC0415 - rarely asked for

    return plan_markdown(made, session.graph or "", commands, _today())


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


def _say(session: Session, made: Plan, commands: Sequence[tuple[str, str]]) -> None:
    screen = session.screen
    for line in plan_lines(made, screen, session.graph or "", _today()):
        screen.say(line)
    screen.say()
    for command, what in commands:
        fits = len(command) + len(what) + 6 <= screen.width()
        screen.say(screen.style("command", command) + (f"    # {what}" if what and fits else ""))
        if what and not fits:
            screen.say(f"  # {what}")
    if not made.pending and not any(row.status in {"unresolved", "repay", "failed", "waiting"} for row in made.rows):
        screen.say("nothing to make; a build only puts the outputs in their places" if made.rows else "nothing to make")


def _today() -> dt.date:
    return dt.datetime.now().astimezone().date()


def _next(
    session: Session, made: Plan, targets: tuple[str, ...], limit: int | None, files: Sequence[Path]
) -> list[tuple[str, str]]:
    """Return the commands that go on, each with what it is for."""
    commands: list[tuple[str, str]] = []
    store = session.store_options
    stuck = [row for row in made.rows if row.attempt is not None and row.status in {"unresolved", "failed"}]
    if stuck:
        commands.append((command_line("jobs", "list", *store), f"settles {listed([row.node for row in stuck])}"))
    lost = [row for row in made.rows if row.status == "repay"]
    waiting = [row for row in made.rows if row.status == "waiting"]
    if waiting and not lost and not any(row.status in {"run", "resume"} for row in made.rows):
        name = waiting[0].node
        words = ("approve", name) if waits_for_a_word(waiting[0]) else ("pick", name, "CHOICE")
        commands.append((command_line(*session.again(*words)), ""))
    elif made.pending or lost:
        commands += _builds(session, made, targets, limit, files)
    if lost:
        most = total(row for row in made.rows if row.status in BUYS)[0].high or 0
        nodes = dict.fromkeys(node_of(row.node) for row in lost)
        repay = [word for node in nodes for word in ("--repay", node)]
        command = command_line(*session.again("build", *targets, *repay, "--budget", budget_for(most)))
        commands.append((command, "pays again for what they have not"))
    return commands


def _builds(
    session: Session, made: Plan, targets: tuple[str, ...], limit: int | None, files: Sequence[Path]
) -> list[tuple[str, str]]:
    """Return the commands that build: held to the file that was written, under the budget that was asked about, under one that does."""
    due, unpriced = total(row for row in made.rows if row.status in {"run", "maybe", "resume"})
    lost = any(row.status == "repay" for row in made.rows)
    fetches = "fetches what the vendors still have, for nothing" if lost else ""
    kept = next((file for file in files if file.suffix.lower() not in _MARKDOWN), None)
    if not due.high and not unpriced:
        return [(command_line(*session.again("build", *targets)), fetches)]
    if kept is not None:
        return [(command_line("build", session.graph or "", "--plan", str(kept), *session.store_options), fetches)]
    needed = budget_for(due.high or 0)
    enough = command_line(*session.again("build", *targets, "--budget", needed))
    if limit is None:
        return [(enough, fetches)]
    asked = command_line(*session.again("build", *targets, "--budget", budget_for(limit)))
    if limit >= (due.high or 0):
        return [(asked, fetches)]
    return [
        (asked, "stops where its budget ends; what is made is kept"),
        (enough, f"is enough for all{' that has a price' if unpriced else ''}"),
    ]


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"{path} cannot be written: {error.strerror}", hint="give another file after -o") from None
