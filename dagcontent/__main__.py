"""Turn a process's arguments into its exit code. Knows nothing but where the command line begins."""

from __future__ import annotations

__all__ = ["main"]


def main() -> None:
    """Run the command line and exit with its code; the same for `dagcontent` and `python -m dagcontent`."""
    from dagcontent.cli.main import main as run  # noqa: PLC0415 - late, so that importing this module runs nothing

    run()


if __name__ == "__main__":
    main()
