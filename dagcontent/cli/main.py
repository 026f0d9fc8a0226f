"""Turn a process's arguments into its exit code. Knows no command.

The overview and the version are answered before anything is imported.
"""

from __future__ import annotations

import sys
from typing import NoReturn

__all__ = ["main"]


def main() -> NoReturn:
    """Run the command line and exit with its code."""
    args = sys.argv[1:]
    for stream in (sys.stdout, sys.stderr):
        # What a screen cannot show is escaped, never a reason to fail.
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    if args in (["--help"], ["-h"]):
        from dagcontent.cli.overview import help_text  # noqa: PLC0415 - see the module's text

        sys.stdout.write(help_text())
        sys.exit(0)
    if args == ["--version"]:
        from dagcontent import __version__  # noqa: PLC0415 - as above

        sys.stdout.write(f"dagcontent {__version__}\n")
        sys.exit(0)
    from dagcontent.cli.commands import cli  # noqa: PLC0415 - as above

    cli.main()
