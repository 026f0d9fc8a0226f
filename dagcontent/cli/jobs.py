"""The commands `jobs list`, `resume`, `adopt`, `retry`, `abandon` and `recover`. Knows no vendor and not how a journal is kept."""

from __future__ import annotations

import datetime as dt
from typing import Any

import click

from dagcontent.api import jobs as api
from dagcontent.api.result import Job
from dagcontent.cli.commands import unknown_command
from dagcontent.cli.jobs_text import after_lines, job_document, job_lines, resumed_lines, settled_lines, twice
from dagcontent.cli.options import json_option, output_options, store_option
from dagcontent.cli.paid_text import short_id
from dagcontent.cli.screen import safe
from dagcontent.cli.session import Session
from dagcontent.cli.words import command as command_line
from dagcontent.errors import UsageError

__all__ = ["command"]

UNSETTLED = 4
_yes = click.option("-y", "--yes", is_flag=True, help="Do not ask.")
_attempt = click.argument("attempt")
_attempts = click.argument("attempts", nargs=-1, metavar="[ATTEMPT]...")


class _Jobs(click.Group):
    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command of these arguments. Raises click.UsageError with the nearest name."""
        if args[0] not in self.commands and not args[0].startswith("-"):
            text = unknown_command(f"jobs {args[0]}", [f"jobs {c}" for c in self.commands], later=False)
            raise click.UsageError(text, ctx)
        return super().resolve_command(ctx, args)


@click.group("jobs", cls=_Jobs)
def command() -> None:
    """Look after paid requests that are not settled. Needs no graph.

    ATTEMPT is the id that `jobs list` shows, or enough of its beginning.
    """


@command.command("list", short_help="List paid requests that are open, and what can be done.")
@click.option("--all", "everything", is_flag=True, help="Those that are settled as well.")
@store_option
@json_option
@output_options
def list_(store: str | None, *, everything: bool, as_json: bool, quiet: bool, verbose: bool) -> int:
    """List paid requests that stand in the way of a node, and what can be done about each."""
    session = Session(store=store, json=as_json, quiet=quiet, verbose=verbose)
    found = api.list_jobs(session.store, everything=everything)
    if as_json:
        session.screen.document({"jobs": [job_document(job) for job in found]})
        return 0
    for line in job_lines(
        found, session.screen, dt.datetime.now().astimezone(), session.store_options, everything=everything
    ):
        session.screen.say(line)
    return 0


@command.command("resume", short_help="Wait for what was sent, fetch it, keep it.")
@_attempts
@click.option("--no-wait", is_flag=True, help="Ask each vendor once; do not wait for jobs that go on.")
@store_option
@json_option
@output_options
def resume(
    attempts: tuple[str, ...], store: str | None, *, no_wait: bool, as_json: bool, quiet: bool, verbose: bool
) -> int:
    """Go on with requests that were sent (all, or some ATTEMPTs): wait for their jobs, fetch and keep what came of them.

    Nothing is sent. Exit code 4 if something is left open, 1 if something failed.
    """
    from dagcontent.api import resuming  # noqa: PLC0415 - most commands of jobs call nobody

    session = Session(store=store, json=as_json, quiet=quiet, verbose=verbose)
    told: dict[str, str] = {}

    def stage(job: Job, word: str, position: int | None) -> None:
        text = word + (f", position {position}" if position is not None else "")
        if told.get(job.attempt) != text:
            told[job.attempt] = text
            session.screen.say(f"  {short_id(job.attempt)}  {safe(job.node)}   {safe(text)}")

    results = resuming.resume_jobs(session.store, attempts, session.asking, wait=not no_wait, signals=True, stage=stage)
    if as_json:
        documents = [{**job_document(one.job), "error": one.error} for one in results]
        session.screen.document({"jobs": documents})
    for line in resumed_lines(results, session.screen):
        session.screen.say(line)
    states = {one.job.state for one in results}
    if states & {"intent", "submitted", "spooled", "unresolved"}:
        return UNSETTLED
    return 1 if states & {"charged", "expired"} else 0


@command.command("adopt", short_help="Name the job that an unresolved request became.")
@_attempt
@click.argument("handle")
@store_option
@json_option
@output_options
def adopt(attempt: str, handle: str, store: str | None, *, as_json: bool, quiet: bool, verbose: bool) -> int:
    """Say that the job HANDLE, found at the vendor, is what became of ATTEMPT.

    HANDLE is the vendor's id of the job, or name=value. The vendor is asked whether it is there.
    """
    from dagcontent.api import resuming  # noqa: PLC0415 - as above

    session = Session(store=store, json=as_json, quiet=quiet, verbose=verbose)
    return _settled(session, resuming.adopt_job(session.store, attempt, handle, session.asking), "adopted")


@command.command("retry", short_help="Let the next build send a request again.")
@_attempt
@_yes
@store_option
@json_option
@output_options
def retry(attempt: str, store: str | None, *, yes: bool, as_json: bool, quiet: bool, verbose: bool) -> int:
    """Let the next build send ATTEMPT's request again. It may then be paid twice, so this needs --yes or an answer."""
    session = Session(store=store, json=as_json, quiet=quiet, verbose=verbose)
    job = api.check_job(session.store, "retry", attempt)
    if not yes:
        _ask(session, f"{job.node} ({job.model}) may be paid twice: {twice(job)}", "send it again")
    return _settled(session, api.retry_job(session.store, job.attempt), "retry")


@command.command("abandon", short_help="Give a request up.")
@_attempt
@_yes
@store_option
@json_option
@output_options
def abandon(attempt: str, store: str | None, *, yes: bool, as_json: bool, quiet: bool, verbose: bool) -> int:
    """Give ATTEMPT up: its node stays undone, and its cost counts as spent."""
    session = Session(store=store, json=as_json, quiet=quiet, verbose=verbose)
    job = api.check_job(session.store, "abandon", attempt)
    if not yes and job.state in {"submitted", "spooled"}:
        _ask(session, f"{job.node} ({job.model}) was accepted and is paid: its result would be lost", "give it up")
    return _settled(session, api.abandon_job(session.store, job.attempt), "abandoned")


@command.command("recover", short_help="Ask the vendors' lists for unresolved requests.")
@_attempts
@store_option
@json_option
@output_options
def recover(attempts: tuple[str, ...], store: str | None, *, as_json: bool, quiet: bool, verbose: bool) -> int:
    """Ask vendors that keep a list which of their jobs could be an unresolved request (all, or some ATTEMPTs)."""
    from dagcontent.api import resuming  # noqa: PLC0415 - as above

    session = Session(store=store, json=as_json, quiet=quiet, verbose=verbose)
    found = resuming.list_vendors(session.store, attempts, session.asking)
    screen = session.screen
    if as_json:
        rows: list[dict[str, Any]] = [
            {**job_document(one.job), "candidates": [dict(ids) for ids in one.handles], "error": one.error}
            for one in found
        ]
        screen.document({"jobs": rows})
        return 0
    if not found:
        screen.say("no request is unresolved: there is nothing to look for")
    for one in found:
        screen.say(
            f"{screen.style('head', safe(one.job.node))}   {safe(one.job.model)}   attempt {short_id(one.job.attempt)}"
        )
        if one.error is not None:
            screen.say(f"  {safe(one.error)}")
        elif not one.handles:
            screen.say(f"  {safe(one.job.provider)} lists no job that could be it")
        for ids in one.handles:
            shown = ",".join(f"{name}={value}" for name, value in ids.items())
            words = command_line("jobs", "adopt", short_id(one.job.attempt), shown, *session.store_options)
            screen.say(f"  {screen.style('command', words)}")
    return 0


def _ask(session: Session, what: str, then: str) -> None:
    """Ask on a terminal. Raises UsageError where nobody can answer, or the answer is no."""
    if session.screen.asks:
        session.screen.complain(safe(what))
        if click.confirm(f"{then}?", default=False, err=True):
            return
        raise UsageError("nothing was changed", hint=f"the answer was no; --yes does not ask, and would {then}")
    raise UsageError(what, hint=f"--yes says that this is meant, and would {then}; nothing was changed")


def _settled(session: Session, job: Job, what: str) -> int:
    if session.screen.json:
        session.screen.document({"job": job_document(job)})
    for line in [
        *settled_lines(job, what, session.screen),
        "",
        *after_lines(job, what, session.screen, session.store_options),
    ]:
        session.screen.say(line)
    return 0
