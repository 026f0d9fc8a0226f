"""The command `build`: run what is missing, place the outputs, and say what came of it. Knows no store."""

from __future__ import annotations

import contextlib
import gc
from collections.abc import Callable, Iterator
from typing import IO, TYPE_CHECKING, Any

import click
import msgspec

from dagcontent import api
from dagcontent.api.result import BuildResult
from dagcontent.api.spending import Agreed, Offer, Spending
from dagcontent.cli.build_text import summary_lines
from dagcontent.cli.going_on import GoesOn, say_look, say_next
from dagcontent.cli.money import given_budget
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
from dagcontent.cli.plain_view import PlainView
from dagcontent.cli.session import Session, given_params
from dagcontent.cli.words import listed
from dagcontent.errors import ConfigError, UsageError
from dagcontent.run.events import BuildStarted, Event, NodeFinished

if TYPE_CHECKING:
    from dagcontent.cli.progress import Progress

__all__ = ["CODES", "collector", "command", "conclude", "note_cancelled", "spending_of", "view_of"]

_MOST_PLANNED_AGAIN = 5_000
CODES = {"ok": 0, "failed": 1, "unresolved": 4, "waiting": 5, "budget": 6, "interrupted": 130}


@click.command("build")
@graph_argument
@targets_argument
@params_option
@profile_options
@store_option
@click.option(
    "-j", "--jobs", type=click.IntRange(1, 1024), metavar="N", help="How many nodes at once (default: one a processor)."
)
@click.option("--only", is_flag=True, help="Make the TARGETs alone; what they need must be there.")
@click.option("--fail-fast", is_flag=True, help="Start nothing more once a node failed.")
@click.option("--overwrite-outputs", is_flag=True, help="Replace outputs that were edited by hand.")
@click.option("--dry-run", is_flag=True, help="Do as `plan` does.")
@click.option("--events", metavar="FILE", help="Write one JSON event a line as it happens.")
@click.option("-y", "--yes", is_flag=True, help="Do not ask before spending; free graphs never ask.")
@click.option("--budget", metavar="USD", help="The most this build may spend, as 2.50.")
@click.option("--allow-unpriced", is_flag=True, help="Send what nobody knows the price of.")
@click.option(
    "--repay", metavar="NODE", multiple=True, help="Pay again for NODE, whose paid result is gone. Repeatable."
)
@click.option("--accept-upgrade", is_flag=True, help="Pay again for what only a new version of dagcontent makes anew.")
@click.option(
    "--plan", "plan_file", metavar="FILE", help="Build what was agreed to in a file of `plan -o`, and nothing dearer."
)
@click.option(
    "--retry-primary", is_flag=True, help="Ask models again that refused before, the first of each list first."
)
@json_option
@output_options
def command(  # noqa: PLR0913 - the options
    graph: str,
    targets: tuple[str, ...],
    params: tuple[str, ...],
    store: str | None,
    jobs: int | None,
    events: str | None,
    budget: str | None,
    repay: tuple[str, ...],
    *,
    profile: str | None,
    plan_file: str | None,
    only: bool,
    fail_fast: bool,
    overwrite_outputs: bool,
    dry_run: bool,
    yes: bool,
    allow_unpriced: bool,
    accept_upgrade: bool,
    retry_primary: bool,
    as_json: bool,
    quiet: bool,
    verbose: bool,
) -> int:
    """Make what is missing of GRAPH (or of some TARGETs, as in clip or clip[intro]) and place the outputs.

    What was made before is found again and costs nothing. Ctrl-C stops in order: what is finished is kept, and the same
    command continues.

    What costs money is sent only with --budget, --yes or --plan, or after a question on a terminal; and never twice.

    Exit codes: 0 done, 1 a node failed, 2 the graph or the arguments are wrong, 4 a paid request is unresolved (dagcontent
    jobs), 5 a person is to choose (dagcontent pick), 6 refused or stopped by the budget, 130 interrupted.
    """
    agreed = None
    if plan_file is not None:
        from dagcontent.cli.plan_file import read_plan_file  # noqa: PLC0415 - most builds have none

        agreed = read_plan_file(plan_file, graph, targets, given_params(params), profile)
        targets, params = agreed.targets, tuple(f"{name}={value}" for name, value in agreed.params.items())
        profile = agreed.profile
    session = Session(
        graph=graph, params=params, profile=profile, store=store, json=as_json, quiet=quiet, verbose=verbose
    )
    if dry_run:
        from dagcontent.cli.plan import run_plan  # noqa: PLC0415 - another command

        return run_plan(session, targets, retry_primary=retry_primary)
    limit = None if budget is None else given_budget(budget)
    spending = spending_of(session, limit, repay, yes=yes, unpriced=allow_unpriced, upgrade=accept_upgrade)
    promise = None if agreed is None else agreed.promise
    spending = msgspec.structs.replace(spending, promise=promise, retry_primary=retry_primary)
    if only:
        _check_only(session, targets)
    with contextlib.ExitStack() as stack:
        cancelled: set[str] = set()
        listeners = [
            collector,
            lambda event: note_cancelled(event, cancelled),
            stack.enter_context(view_of(session, targets)),
        ]
        if events:
            listeners.append(stack.enter_context(_event_file(events)))
        result = api.build(
            session.path, targets, params=session.params, profile=session.profile, store=session.store, jobs=jobs, fail_fast=fail_fast,
            overwrite_outputs=overwrite_outputs, listeners=listeners, signals=True, details=as_json,
            spending=spending,
        )  # fmt: skip
    given = {
        "--allow-unpriced": allow_unpriced, "--accept-upgrade": accept_upgrade, "--only": only,
        "--retry-primary": retry_primary,
    }  # fmt: skip
    asked = GoesOn(targets, repay, tuple(flag for flag, is_given in given.items() if is_given))
    conclude(session, result, asked, cancelled)
    return CODES[result.status]


def spending_of(
    session: Session, budget: int | None, repay: tuple[str, ...] = (), *, yes: bool = False, unpriced: bool = False,
    upgrade: bool = False,
) -> Spending:  # fmt: skip
    """Return who is paid, and what was agreed to: a budget in micro-USD, or whatever comes."""
    settings = session.settings
    spending = Spending(
        make_configs=lambda: settings.providers,
        realms=session.realms,
        yes=yes,
        budget_microusd=budget,
        ceilings=settings.ceilings,
        unit_ceilings=settings.unit_ceilings,
        ask=_question(session),
        repay=frozenset(repay),
        unpriced=unpriced,
        upgrade=upgrade,
        make_proxies=settings.make_proxies,
    )
    return spending if settings.market is None else msgspec.structs.replace(spending, market=settings.market)


def _question(session: Session) -> Callable[[Offer], Agreed] | None:
    """Return what asks before money is spent; nothing where nobody is there to answer."""
    if not session.screen.attended:
        return None

    def ask(offer: Offer) -> Agreed:
        from dagcontent.cli.asking import Asking  # noqa: PLC0415 - most builds cost nothing

        return Asking(session.screen, session.settings.confirm_above_microusd)(offer)

    return ask


def conclude(session: Session, result: BuildResult, asked: GoesOn, cancelled: set[str]) -> None:
    """Say what came of a build, and how to go on."""
    screen = session.screen
    for warning in result.warnings:
        session.warn(warning)
    for line in summary_lines(result, screen, lambda: session.loaded, cancelled, session.store_options):
        if result.status == "ok" or not screen.quiet:
            screen.say(line)
        else:
            screen.complain(line)
    if result.status != "ok":
        say_next(session, result, asked)
    elif result.outputs:
        say_look(session, result)
    if screen.json:
        screen.document(result.document())


def _check_only(session: Session, targets: tuple[str, ...]) -> None:
    """Raise UsageError if what the targets need is not there."""
    if not targets:
        raise ConfigError(
            "--only needs a target: the node that is to be made alone", hint="as in: build graph.toml clip --only"
        )
    from dagcontent.api.targets import parse_targets  # noqa: PLC0415 - rarely needed

    loaded = session.loaded
    nodes = {loaded.graph.nodes[t.node].name for t in parse_targets(loaded.graph, targets)}
    rows = api.plan(loaded, targets, store=session.store, realms=session.realms, explain=False).rows
    missing = [row.node for row in rows if row.status in {"run", "maybe"} and node_of(row.node) not in nodes]
    if missing:
        raise UsageError(
            f"--only: what {listed(targets)} needs is not made yet: {listed(missing)}", hint="build without --only"
        )


def collector(event: Event) -> None:
    """Let the garbage collector work again while nodes run; what was loaded and planned stays out of its sight."""
    if isinstance(event, BuildStarted):
        gc.freeze()
        gc.enable()


def note_cancelled(event: Event, cancelled: set[str]) -> None:
    """Remember what was stopped in the middle."""
    if isinstance(event, NodeFinished) and event.status == "cancelled":
        cancelled.add(event.node)


@contextlib.contextmanager
def view_of(session: Session, targets: tuple[str, ...]) -> Iterator[Any]:
    """Give a listener that shows a build while it runs."""
    if not session.screen.live:
        yield PlainView(session.screen)
        return
    from dagcontent.cli.live_view import LiveView  # noqa: PLC0415 - only on a terminal

    view = LiveView(session.screen, lambda started: _first_progress(session, targets, started))
    try:
        yield view
    finally:
        view.close()


def _first_progress(session: Session, targets: tuple[str, ...], started: BuildStarted) -> Progress:
    """Return what there is to do. It is planned once more for that, so not for a graph where this would take long."""
    from dagcontent.cli.progress import Progress, Waits  # noqa: PLC0415 - only on a terminal

    if started.instances > _MOST_PLANNED_AGAIN:
        return Progress()
    rows = api.plan(session.loaded, targets, store=session.store, realms=session.realms, explain=False).rows
    return Progress(rows, Waits(session.loaded.graph, rows))


@contextlib.contextmanager
def _event_file(path: str) -> Iterator[Any]:
    """Give a listener that writes events to a file, each whole and at once."""
    try:
        file: IO[bytes] = open(path, "wb", buffering=0)  # noqa: SIM115 - closed below
    except OSError as error:
        raise ConfigError(
            f"{path} cannot be written: {error.strerror}", hint="give another file after --events"
        ) from None
    encoder = msgspec.json.Encoder()
    with file:
        yield lambda event: file.write(encoder.encode(event) + b"\n")
