"""Turn a process's arguments into one command and its exit code. Knows no command's work.

`--help`, `--version` and completion import click and nothing else: a command's module is imported when it is called.
"""

from __future__ import annotations

import difflib
import sys
from collections.abc import MutableMapping, Sequence
from importlib import import_module
from typing import Any, Final, NoReturn

import click

from dagcontent import __version__

__all__ = ["Commands", "cli", "main", "unknown_command"]

COMMANDS: Final = {
    "Making": {
        "build": "Run what is missing and place the outputs.",
        "plan": "The dry run: what a build would do, and why.",
        "check": "Every mistake of a graph in one pass.",
        "new": "Write a small graph to start from.",
    },
    "Looking": {
        "why": "What of a node differs from its last build, field by field.",
        "show": "A node's result: its file, its facts, how and when it was made.",
        "graph": "The picture of a graph: svg, mermaid, dot, json or text.",
        "kinds": "The kinds of nodes, with their parameters.",
        "schema": "The JSON schemas, for editors and programs.",
    },
    "Keeping": {
        "store": "The store of results: its size, its place, its health.",
        "doctor": "Whether this machine has what builds need.",
    },
}
"""Every command by section, with its line of help: its module has the same name."""

LATER: Final = frozenset(
    "watch open takes reroll pick pin unpin approve reject replace jobs runs diff spend gallery ui models import trust".split()
)
"""Commands of the language that this version has not."""

_SHORT: Final = {name: text for section in COMMANDS.values() for name, text in section.items()}
_EPILOG: Final = """\b
Begin with:
  dagcontent new DIR                 a graph to start from
  dagcontent build DIR/graph.toml    make it

\b
Completion: put one of these where your shell starts
  eval "$(_DAGCONTENT_COMPLETE=bash_source dagcontent)"       # ~/.bashrc
  eval "$(_DAGCONTENT_COMPLETE=zsh_source dagcontent)"        # ~/.zshrc
  _DAGCONTENT_COMPLETE=fish_source dagcontent | source        # config.fish
"""


def unknown_command(name: str, known: Sequence[str], later: bool) -> str:  # noqa: FBT001 - the two cases of one message
    """Word that there is no such command: with the nearest name, or that it is not there yet."""
    if later:
        return f"`{name}` is not available yet in this version"
    close = difflib.get_close_matches(name, known, n=1)
    return f"no command `{name}`" + (f"; did you mean `{close[0]}`?" if close else "")


class Commands(click.Group):
    """All commands, each imported when it is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """Return the names of all commands."""
        return list(_SHORT)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's signature
        """Import a command."""
        if cmd_name not in _SHORT:
            return None
        command: click.Command = import_module(f"dagcontent.cli.{cmd_name}").command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command of these arguments. Raises click.UsageError with the nearest name."""
        name = args[0]
        if name in _SHORT or name.startswith("-"):
            return super().resolve_command(ctx, args)
        text = unknown_command(name, list(_SHORT), name in LATER)
        if name.endswith(".toml"):
            text = f"no command `{name}`; did you mean `build {name}`?"
        raise click.UsageError(text, ctx)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - as above
        """Write the commands by section, without importing them."""
        for section, rows in COMMANDS.items():
            with formatter.section(section):
                formatter.write_dl(list(rows.items()), col_spacing=4)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[Any]:
        """Return completions of a command's name without importing any."""
        from click.shell_completion import CompletionItem  # noqa: PLC0415 - only a shell asks

        names = [CompletionItem(name, help=text) for name, text in _SHORT.items() if name.startswith(incomplete)]
        return [*names, *click.Command.shell_complete(self, ctx, incomplete)]

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,  # noqa: ARG002, FBT001, FBT002 - click's signature
        windows_expand_args: bool = True,  # noqa: FBT001, FBT002 - click's signature
        **extra: Any,
    ) -> NoReturn:
        """Run, word what went wrong, and exit."""
        given = list(sys.argv[1:] if args is None else args)
        try:
            code = super().main(
                given, prog_name or "dagcontent", complete_var, standalone_mode=False,
                windows_expand_args=windows_expand_args, **extra,
            )  # fmt: skip
        except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001 - nobody shall see a traceback
            from dagcontent.cli.failure import report  # noqa: PLC0415 - only where something went wrong

            code = report(error, given)
        sys.exit(code if isinstance(code, int) else 0)

    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: Any
    ) -> click.Context:
        """Make a context whose help is as wide as the terminal, up to what reads well."""
        settings: MutableMapping[str, Any] = {"max_content_width": 110, "help_option_names": ["-h", "--help"], **extra}
        return super().make_context(info_name, args, parent, **settings)


@click.command(cls=Commands, epilog=_EPILOG, invoke_without_command=False, no_args_is_help=True)
@click.version_option(__version__, prog_name="dagcontent", message="%(prog)s %(version)s")
def cli() -> None:
    """Build content that models make from a declared graph, and only what is missing."""


def main() -> NoReturn:
    """Run the command line and exit with its code."""
    for stream in (sys.stdout, sys.stderr):
        # What a screen cannot show is escaped, never a reason to fail.
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    cli.main()
