"""What `reroll`, `pick`, `pin` and `unpin` have in common: arguments, and the words on what was written. Knows no store."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import click

from dagcontent.api.deciding import Decided
from dagcontent.cli.columns import Cell, aligned
from dagcontent.cli.options import (
    graph_argument,
    json_option,
    output_options,
    params_option,
    profile_options,
    store_option,
)
from dagcontent.cli.session import Session
from dagcontent.cli.words import command as command_line
from dagcontent.cli.words import screen_path

__all__ = ["choosing_options", "deciding_options", "say_decided"]

F = TypeVar("F", bound=Callable[..., Any])


def deciding_options(function: F) -> F:
    """Add the graph, the instances, and the options that all of these have."""
    nodes = click.argument("nodes", nargs=-1, required=True, metavar="NODE...")
    return graph_argument(nodes(choosing_options(function)))


def choosing_options(function: F) -> F:
    """Add the options that all of these have."""
    return params_option(profile_options(store_option(json_option(output_options(function)))))


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
