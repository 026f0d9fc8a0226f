"""The command `new`: a folder with a small graph that can be built at once. Overwrites nothing."""

from __future__ import annotations

import os
import re
from pathlib import Path

import click

from dagcontent.cli.options import json_option, output_options
from dagcontent.cli.screen import safe
from dagcontent.cli.session import Session
from dagcontent.cli.starter import FILES
from dagcontent.cli.words import command as command_line
from dagcontent.errors import ConfigError

__all__ = ["command"]


@click.command("new")
@click.argument("folder", metavar="DIR", type=click.Path())
@click.option("--from", "template", metavar="NAME", help="Not available yet: there is one starter.")
@json_option
@output_options
def command(folder: str, template: str | None, *, as_json: bool, quiet: bool, verbose: bool) -> int:
    """Write a small graph into DIR that builds at once, offline: graph.toml, README.md, .gitignore."""
    session = Session(json=as_json, quiet=quiet, verbose=verbose)
    if template is not None:
        raise ConfigError("--from is not available yet in this version", hint=command_line("new", folder))
    place = Path(folder)
    there = [name for name in FILES if os.path.lexists(place / name)]
    if there:
        raise ConfigError(f"{folder} has {', '.join(there)} already", hint="name another folder: nothing was written")
    name = re.sub(r"[^a-z0-9]+", "-", place.resolve().name.lower()).strip("-") or "film"
    try:
        place.mkdir(parents=True, exist_ok=True)
        for file, text in FILES.items():
            with (place / file).open("x", encoding="utf-8") as opened:
                opened.write(text.replace("NAME", name))
    except OSError as error:
        raise ConfigError(f"{folder} cannot be written: {error.strerror}", hint="name another folder") from None
    graph = os.path.join(folder, "graph.toml")
    screen = session.screen
    if as_json:
        screen.document({"folder": str(place.resolve()), "graph": graph, "files": list(FILES)})
        return 0
    screen.say(
        f"{screen.style('head', safe(name))}: wrote {', '.join(safe(os.path.join(folder, file)) for file in FILES)}"
    )
    screen.say()
    screen.say(screen.style("command", command_line("build", graph)))
    return 0
