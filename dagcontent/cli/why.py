"""The command `why`: one instance against its last build, field by field. Runs nothing."""

from __future__ import annotations

import datetime as dt

import click

from dagcontent import api
from dagcontent.cli.documents import why_document
from dagcontent.cli.one_node import of_one_node
from dagcontent.cli.session import Session
from dagcontent.cli.why_text import why_lines
from dagcontent.cli.words import command as command_line

__all__ = ["command"]


@click.command("why")
@of_one_node
def command(session: Session, node: str) -> int:
    """Say why NODE (as in clip or clip[intro]) would run, or would not.

    Every field that its result depends on is compared with its last build, or with the nearest earlier result. With -v
    texts that changed are shown in full.
    """
    found = api.why(
        session.path, node, params=session.params, profile=session.profile, store=session.store, realms=session.realms
    )
    screen = session.screen
    for warning in found.plan.warnings:
        session.warn(warning)
    if screen.json:
        screen.document(why_document(found))
        return 0
    for line in why_lines(found, screen, session.path, dt.datetime.now().astimezone()):
        screen.say(line)
    if found.status in {"run", "maybe"}:
        screen.say("\n" + screen.style("command", command_line(*session.again("build", found.node))))
    return 0
