"""Options that several commands share, and those of later versions, which are refused in words. Knows no command."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, TypeVar, cast

import click

from dagcontent.spec.words import DRAFT

__all__ = [
    "graph_argument",
    "json_option",
    "output_options",
    "params_option",
    "profile_options",
    "store_option",
    "targets_argument",
]

F = TypeVar("F", bound=Callable[..., Any])

graph_argument = click.argument("graph", type=click.Path(), metavar="GRAPH")
targets_argument = click.argument("targets", nargs=-1, metavar="[TARGET]...")
params_option = click.option(
    "-p", "params", multiple=True, metavar="NAME=VALUE", help="Set a parameter; NAME=@FILE takes a file. Repeatable."
)
store_option = click.option("--store", metavar="DIR", help="The store to use instead of the configured one.")
json_option = click.option("--json", "as_json", is_flag=True, help="One JSON document on stdout.")


def output_options(function: F) -> F:
    """Add -q and -v."""
    verbose = click.option("-v", "--verbose", is_flag=True, help="Say more.")
    quiet = click.option("-q", "--quiet", is_flag=True, help="Say nothing but what goes wrong.")
    return quiet(verbose(function))


def profile_options(function: F) -> F:
    """Add --profile and --draft: the command gets one `profile`."""

    @functools.wraps(function)
    def chosen(*args: Any, profile: str | None, draft: bool, **others: Any) -> Any:
        if draft and profile not in {None, DRAFT}:
            text = f'--draft is --profile {DRAFT}: give one of them, or a profile with inherit = "{DRAFT}"'
            raise click.UsageError(text)
        return function(*args, profile=DRAFT if draft else profile, **others)

    drafts = click.option("--draft", is_flag=True, help="Use free stand-ins for models that cost money.")
    named = click.option("--profile", metavar="NAME", help="Lay [profile.NAME] of the graph over it.")
    return named(drafts(cast("F", chosen)))
