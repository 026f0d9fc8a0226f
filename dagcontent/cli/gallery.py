"""The command `gallery`: one page of the last build, with its media beside it. Runs nothing, spends nothing."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import click

from dagcontent import api
from dagcontent.api.gallery import Written
from dagcontent.cli.options import (
    graph_argument,
    json_option,
    output_options,
    params_option,
    profile_options,
    store_option,
)
from dagcontent.cli.reasons import Reasons
from dagcontent.cli.session import Session
from dagcontent.cli.words import command as command_line
from dagcontent.cli.words import counted, screen_path, size
from dagcontent.errors import ConfigError
from dagcontent.plan.model import Plan, PlanRow
from dagcontent.report.gallery import Command
from dagcontent.values.money import usd_decimal

__all__ = ["command"]


class _Wording:
    """Reasons as `plan` words them, commands on the graph as it was given, moments in this machine's zone."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._reasons: Reasons | None = None

    def of(self, plan: Plan) -> None:
        """Take note of the plan that rows are of."""
        self._reasons = Reasons(plan, self._session.path)

    def reason(self, row: PlanRow) -> str:
        """Return why a row has its status."""
        return "" if self._reasons is None else self._reasons.of(row)

    def command(self, *words: str) -> str:
        """Return a command that can be copied."""
        return command_line(*self._session.again(*words))

    def moment(self, at_ms: int) -> str:
        """Return a moment."""
        return f"{dt.datetime.fromtimestamp(at_ms / 1000).astimezone():%Y-%m-%d %H:%M}"


@click.command("gallery")
@graph_argument
@params_option
@profile_options
@store_option
@click.option(
    "-o", "--output", metavar="PLACE",
    help="The folder to write into, or the page itself (FILE.html). Otherwise `gallery` in the graph's output folder.",
)  # fmt: skip
@click.option("--open", "opens", is_flag=True, help="Open the page in the browser.")
@json_option
@output_options
def command(  # noqa: PLR0913 - the options
    graph: str,
    params: tuple[str, ...],
    store: str | None,
    output: str | None,
    *,
    profile: str | None,
    opens: bool,
    as_json: bool,
    quiet: bool,
    verbose: bool,
) -> int:
    """Write one HTML page of what GRAPH's last build made, with its media beside it.

    It has the graph, every result with its player, prompt, model, cost and provenance, what is not made and why, and what was
    spent. It opens from the disk, needs no network, and can be sent along as a folder. A second time only what is new is added.
    """
    session = Session(
        graph=graph, params=params, profile=profile, store=store, json=as_json, quiet=quiet, verbose=verbose
    )
    if output is not None and not output.strip():
        raise ConfigError("-o names no place", hint="give a folder, or the page as FILE.html")
    made = api.write_gallery(
        session.loaded, output, store=session.store, realms=session.realms, market=session.settings.market,
        ceilings=session.settings.ceilings, wording=_Wording(session),
        going_on=Command(command_line(*session.again("build")), "goes on"), now_ms=_now_ms(),
    )  # fmt: skip
    for warning in made.plan.warnings:
        session.warn(warning)
    opened = _opened(session, made) if opens else None
    if as_json:
        session.screen.document(_document(made, opened=opened))
        return 0
    _say(session, made)
    return 0


def _now_ms() -> int:
    return int(dt.datetime.now(dt.UTC).timestamp() * 1000)


def _opened(session: Session, made: Written) -> bool:
    refused = session.screen.view(Path(made.page))
    if refused is not None:
        session.warn(f"the page was not opened: {refused}")
    return refused is None


def _say(session: Session, made: Written) -> None:
    screen = session.screen
    total = len(made.gallery.cards)
    words = [f"{counted(total, 'result')}, {counted(made.artifacts, 'artifact')}"]
    added = f"{counted(made.added, 'file')} added ({size(made.added_bytes)})" if made.added else "no file added"
    screen.say(
        f"{screen.style('head', screen_path(made.page))}   {size(made.size_bytes)}   {'   '.join(words)}   {added}"
    )
    if made.gone:
        gone = counted(made.gone, "artifact")
        session.warn(
            f"{gone} shown without content: the bytes are not in the store any more", "build again to make them"
        )


def _document(made: Written, *, opened: bool | None) -> dict[str, Any]:
    gallery = made.gallery
    return {
        "graph": gallery.graph,
        "profile": gallery.profile,
        "page": made.page,
        "media": made.media,
        "size_bytes": made.size_bytes,
        "results": len(gallery.cards),
        "artifacts": made.artifacts,
        "files": {"all": made.files, "added": made.added, "added_bytes": made.added_bytes, "gone": made.gone},
        "counts": made.counts,
        "run": None if gallery.run is None else {"id": gallery.run.id, "status": gallery.run.status},
        "cost_usd": {
            "spent": usd_decimal(gallery.total.spent),
            "reserved": usd_decimal(gallery.total.reserved),
            "shown": usd_decimal(gallery.total.shown),
            "expected": usd_decimal(gallery.total.expected),
        },
        "opened": opened,
    }
