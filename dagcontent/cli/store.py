"""The commands `store stats`, `store path`, `store verify` and `store gc`. Knows not how anything is stored."""

from __future__ import annotations

import time

import click
import msgspec

from dagcontent.api.keeping import (
    Collected,
    Problem,
    Rebuilt,
    Report,
    collect_store,
    rebuild_store,
    store_stats,
    verify_store,
)
from dagcontent.cli.columns import aligned
from dagcontent.cli.commands import unknown_command
from dagcontent.cli.options import json_option, output_options, store_option
from dagcontent.cli.screen import safe
from dagcontent.cli.session import Session
from dagcontent.cli.words import command as command_line
from dagcontent.cli.words import counted, size
from dagcontent.errors import ConfigError

__all__ = ["command"]

_LATER = frozenset({"stale", "push", "pull", "export", "import"})
_MOST_SHOWN = 20
_EVERY_S = 0.2


class _Store(click.Group):
    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command of these arguments. Raises click.UsageError with the nearest name."""
        if args[0] not in self.commands and not args[0].startswith("-"):
            raise click.UsageError(
                unknown_command(f"store {args[0]}", [f"store {c}" for c in self.commands], args[0] in _LATER), ctx
            )
        return super().resolve_command(ctx, args)


@click.group("store", cls=_Store)
def command() -> None:
    """Look after the store: one folder that holds every result of every graph of yours."""


@command.command("path")
@store_option
@json_option
@output_options
def path(store: str | None, *, as_json: bool, quiet: bool, verbose: bool) -> int:
    """Print where the store is."""
    session = Session(store=store, json=as_json, quiet=quiet, verbose=verbose)
    place = str(session.store.absolute())
    if as_json:
        session.screen.document({"path": place, "exists": session.store.exists()})
    else:
        session.screen.text(place)
    return 0


@command.command("stats")
@store_option
@json_option
@output_options
def stats(store: str | None, *, as_json: bool, quiet: bool, verbose: bool) -> int:
    """Say how much the store holds."""
    session = Session(store=store, json=as_json, quiet=quiet, verbose=verbose)
    found = store_stats(session.store)
    screen = session.screen
    if as_json:
        screen.document(msgspec.to_builtins(found))
        return 0
    screen.say(
        screen.style("head", safe(found.path))
        + ("" if session.store.exists() else "   not there yet: the first build makes it")
    )
    rows = [
        ["results", f"{sum(found.records.values()):,}"],
        *([f"  {safe(kind)}", f"{count:,}"] for kind, count in found.records.items()),
        ["files", f"{found.blobs:,}", size(found.blob_bytes)],
        ["database", "", size(found.database_bytes)],
        ["runs", f"{found.runs:,}"],
        *([["damaged, set aside", f"{found.quarantined:,}"]] if found.quarantined else []),
        ["free on the disk", "", size(found.free_bytes)],
    ]
    screen.say()
    for line in aligned(rows, screen.width(), screen.style, right=(1, 2)):
        screen.say(line)
    return 0


@command.command("verify")
@store_option
@click.option("--repair", is_flag=True, help="Set aside what is damaged and was free: the next build makes it again.")
@click.option(
    "--rebuild",
    is_flag=True,
    help="Make the database again from paid.jsonl and the files: what was paid for stays bought.",
)
@json_option
@output_options
def verify(store: str | None, *, repair: bool, rebuild: bool, as_json: bool, quiet: bool, verbose: bool) -> int:
    """Look at every result and every byte. Changes nothing without --repair or --rebuild.

    Exit code 1 if something is damaged, and was not repaired.
    """
    session = Session(store=store, json=as_json, quiet=quiet, verbose=verbose)
    screen = session.screen
    progress = _Progress(session)
    began = time.monotonic()
    if rebuild and not session.store.exists():
        raise ConfigError(f"there is no store at {session.store}", hint="name the store with --store")
    rebuilt = rebuild_store(session.store) if rebuild else None
    report = verify_store(session.store, repair=repair, on_progress=progress)
    progress.clear()
    if as_json:
        again = {} if rebuilt is None else {"rebuilt": msgspec.to_builtins(rebuilt)}
        screen.document({**msgspec.to_builtins(report), "ok": report.ok, **again})
        return 0 if report.ok else 1
    if rebuilt is not None:
        screen.say(_told(rebuilt))
    for problem in report.problems[: None if verbose else _MOST_SHOWN]:
        screen.complain(_worded(session, problem, report))
    if len(report.problems) > _MOST_SHOWN and not verbose:
        screen.complain(f"  and {len(report.problems) - _MOST_SHOWN:,} more; -v lists all")
    looked = f"{counted(report.records, 'result')}, {counted(report.blobs, 'file')}, {size(report.blob_bytes)}"
    if not report.problems:
        screen.say(f"{screen.style('ok', 'all good')}: {looked}, in {time.monotonic() - began:.1f} s")
    else:
        mended = f", {len(report.repaired):,} repaired" if repair else ""
        screen.complain(f"\n{counted(len(report.problems), 'problem')}{mended}   {looked}")
    if report.orphans and verbose:
        screen.say(f"  {counted(len(report.orphans), 'file')} that no result names: {size(report.orphan_bytes)}")
    if not report.ok and not repair:
        options = ["--store", store] if store else []
        screen.complain("\n" + screen.style_error("command", command_line("store", "verify", "--repair", *options)))
    return 0 if report.ok else 1


@command.command("gc")
@store_option
@click.option("--dry-run", is_flag=True, help="Only say what would be taken away.")
@click.option("--include-paid", is_flag=True, help="Take away files that were paid for and that no result names, too.")
@json_option
@output_options
def collect(store: str | None, *, dry_run: bool, include_paid: bool, as_json: bool, quiet: bool, verbose: bool) -> int:
    """Take away files that no result needs.

    They lie in the trash for 14 days, and come back when something asks for them. Results are never taken away.
    """
    session = Session(store=store, json=as_json, quiet=quiet, verbose=verbose)
    screen = session.screen
    now_ms = time.time_ns() // 1_000_000
    done = Collected(dry_run=dry_run)
    if session.store.exists():
        done = collect_store(session.store, now_ms=now_ms, dry_run=dry_run, include_paid=include_paid)
    if as_json:
        screen.document(msgspec.to_builtins(done))
        return 0
    would = "would go" if dry_run else "went"
    screen.say(f"{counted(done.blobs, 'file')} ({size(done.blob_bytes)}) {would} to the trash")
    for many, what in ((done.work_folders, "left-over folder"), (done.spool_files, "spooled answer")):
        if many:
            screen.say(f"  and {counted(many, what)}")
    if done.deleted:
        gone = "would be deleted" if dry_run else "deleted"
        screen.say(f"{counted(done.deleted, 'file')} ({size(done.deleted_bytes)}) {gone}: 14 days in the trash")
    if done.restored:
        screen.say(f"{counted(done.restored, 'file')} put back: a result names it again")
    if done.kept_paid:
        screen.say(f"{counted(done.kept_paid, 'file')} kept that was paid for: --include-paid takes those too")
    return 0


def _told(rebuilt: Rebuilt) -> str:
    kept = f"{counted(rebuilt.kept_records, 'result')} kept"
    restored = f"{counted(rebuilt.restored_records, 'result')} restored from paid.jsonl"
    aside = f"; the old database is {safe(rebuilt.old_database)}" if rebuilt.old_database else ""
    return f"database made again: {kept}, {restored}{aside}"


def _worded(session: Session, problem: Problem, report: Report) -> str:
    paid = "   it was paid for" if problem.paid else ""
    done = "   set aside" if problem.subject in report.repaired else ""
    style = session.screen.style_error
    return f"  {style('failed', problem.what)}   {safe(problem.subject[:64])}   {safe(problem.detail)}{paid}{done}"


class _Progress:
    """One line on a terminal that says how far the verification is."""

    def __init__(self, session: Session) -> None:
        self._screen = session.screen
        self._last = 0.0

    def __call__(self, what: str, done: int, total: int) -> None:
        """Take a step."""
        now = time.monotonic()
        if self._screen.live and (now - self._last >= _EVERY_S or done == total):
            self._last = now
            self._screen.rewrite(f"{what} {done:,}/{total:,}")

    def clear(self) -> None:
        """Take the line away."""
        if self._screen.live:
            self._screen.rewrite("")
