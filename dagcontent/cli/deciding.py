"""What `reroll`, `pick`, `pin`, `unpin`, `approve` and `reject` have in common: arguments, and the words on what was written. Knows no store."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import Any, Final, TypeVar

import click

from dagcontent.api.approving import Approved
from dagcontent.api.deciding import Decided
from dagcontent.api.result import Shown
from dagcontent.cli.columns import Cell, aligned
from dagcontent.cli.options import (
    graph_argument,
    json_option,
    output_options,
    params_option,
    profile_options,
    store_option,
)
from dagcontent.cli.screen import Screen, safe
from dagcontent.cli.session import Session
from dagcontent.cli.words import command as command_line
from dagcontent.cli.words import screen_path
from dagcontent.plan.approval import Word

__all__ = ["choosing_options", "deciding_options", "say_approved", "say_decided", "shown_lines"]

F = TypeVar("F", bound=Callable[..., Any])
_MOST_SHOWN: Final = 12


def deciding_options(function: F) -> F:
    """Add the graph, the instances, and the options that all of these have."""
    nodes = click.argument("nodes", nargs=-1, required=True, metavar="NODE...")
    return graph_argument(nodes(choosing_options(function)))


def choosing_options(function: F) -> F:
    """Add the options that all of these have."""
    return params_option(profile_options(store_option(json_option(output_options(function)))))


def say_approved(session: Session, found: Decided) -> int:
    """Say what was approved or rejected, with what was shown; return the exit code."""
    screen = session.screen
    rows: list[Approved] = list(found.nodes)
    documents = [
        {
            "node": row.node,
            row.word.value: f"sha256:{row.digest}",
            "was": None if row.was is Word.NONE else row.was.value,
            "shows": [one.document() for one in row.shows],
        }
        for row in rows
    ]
    for row in rows:
        screen.say(f"  {screen.style(row.word.value, row.word.value)}  {screen.style('head', safe(row.node))}")
        for line in shown_lines(row.shows, screen, " " * 12):
            screen.say(line)
    return say_decided(session, found, [], documents)


def shown_lines(shows: Sequence[Shown], screen: Screen, indent: str) -> list[str]:
    """Return what a gate shows: what made each part, its digest, a few words on it, its file if it has one."""
    most = None if screen.verbose else _MOST_SHOWN
    rows: list[list[Cell]] = [
        [
            safe(one.instance),
            ("dim", one.digest[:12]),
            safe(one.words),
            "" if one.path is None else screen_path(one.path),
        ]
        for one in shows[:most]
    ]
    lines = [indent + line.strip() for line in aligned(rows, screen.width() - len(indent), screen.style, shrink=(2,))]
    more = len(shows) - len(rows)
    return [*lines, *([f"{indent}and {more:,} more; -v shows all"] if more else [])] or [
        f"{indent}nothing: an empty list"
    ]


def say_decided(
    session: Session, found: Decided, rows: Sequence[Sequence[Cell]], documents: Sequence[dict[str, Any]]
) -> int:
    """Say what stands in the choices file now, and what goes on from there; return the exit code."""
    screen = session.screen
    for line in aligned(rows, screen.width(), screen.style, shrink=(0, 1, 2)):
        screen.say(line)
    file = screen_path(found.path)
    screen.say(f"\n  {'written to' if found.changed else 'as before in'} {file}")
    screen.say("\n" + screen.style("command", command_line(*session.again("plan"))))
    if screen.json:
        screen.document(
            {
                "graph": found.graph,
                "file": os.path.abspath(found.path),
                "changed": found.changed,
                "nodes": list(documents),
            }
        )
    return 0
