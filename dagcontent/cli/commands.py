"""Turn arguments into one command and its exit code. Knows no command's work: its module is imported when it is called."""

from __future__ import annotations

import difflib
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Any, NoReturn

import click

from dagcontent import __version__
from dagcontent.cli.overview import LATER, SHORT, help_text

__all__ = ["Commands", "cli", "unknown_command"]


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
        return list(SHORT)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's signature
        """Import a command."""
        if cmd_name not in SHORT:
            return None
        command: click.Command = import_module(f"dagcontent.cli.{cmd_name}").command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command of these arguments. Raises click.UsageError with the nearest name."""
        name = args[0]
        if name in SHORT or name.startswith("-"):
            return super().resolve_command(ctx, args)
        text = unknown_command(name, list(SHORT), name in LATER)
        if name.endswith(".toml"):
            text = f"no command `{name}`; did you mean `build {name}`?"
        raise click.UsageError(text, ctx)

    def get_help(self, ctx: click.Context) -> str:  # noqa: ARG002 - click's signature
        """Return the overview, without importing a command."""
        return help_text().rstrip("\n")

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[Any]:
        """Return completions of a command's name without importing any."""
        from click.shell_completion import CompletionItem  # noqa: PLC0415 - only a shell asks

        names = [CompletionItem(name, help=text) for name, text in SHORT.items() if name.startswith(incomplete)]
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
        settings: dict[str, Any] = {"max_content_width": 110, "help_option_names": ["-h", "--help"], **extra}
        return super().make_context(info_name, args, parent, **settings)


@click.command(cls=Commands, no_args_is_help=True)
@click.version_option(__version__, prog_name="dagcontent", message="%(prog)s %(version)s")
def cli() -> None:
    """Build content that models make from a declared graph, and only what is missing."""
