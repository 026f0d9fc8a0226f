"""The command `show`: a node's result, its files, facts and provenance. Runs nothing."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

import click

from dagcontent import api
from dagcontent.api.showing import Artifact, Replacement, ShowResult
from dagcontent.cli.columns import Cell, aligned
from dagcontent.cli.documents import passed_document
from dagcontent.cli.money import dollars
from dagcontent.cli.one_node import of_one_node
from dagcontent.cli.screen import Screen, safe
from dagcontent.cli.session import Session
from dagcontent.cli.words import command as command_line
from dagcontent.cli.words import cut, facts_of, plain, screen_path, seconds, short, when
from dagcontent.plan.passed import passed_words
from dagcontent.plan.selection import Candidate
from dagcontent.values.money import usd_decimal
from dagcontent.values.value import Blob

__all__ = ["command"]

_SOURCES = {
    "reported": "as its vendor said",
    "computed": "by its usage",
    "estimated": "an estimate: its vendor does not say",
    "unknown": "nobody knows exactly",
}
_MOST_LINES = 20
_MOST_FILES = 20
_MOST_CANDIDATES = 20


@click.command("show")
@of_one_node
def command(session: Session, node: str) -> int:
    """Show the result of NODE (as in film or clip[intro]): its file, its facts, how and when it was made.

    If it would be made anew, what its last build made is shown, and said to be old.
    """
    found = api.show(session.loaded, node, store=session.store, realms=session.realms)
    screen = session.screen
    if screen.json:
        screen.document(_document(session.loaded.name, session.profile, found))
        return 0
    for line in _lines(found, screen):
        screen.say(line)
    if found.stale:
        screen.say("\n" + screen.style("command", command_line(*session.again("why", found.node))))
    return 0


def _lines(found: ShowResult, screen: Screen) -> list[str]:
    state = (
        f"served by {safe(found.served_by)}"
        if found.served_by is not None
        else "worked out from its inputs"
        if found.status == "value"
        else "waits for a person to approve it"
        if found.status == "waiting"
        else "of an earlier build; it would be made anew"
        if found.stale
        else ""
    )
    head = f"{screen.style('head', safe(found.node))}   {safe(found.model or found.kind)}"
    lines = [head + (f"   {screen.style('maybe' if found.stale else 'dim', state)}" if state else ""), ""]
    lines += _value_lines(found.value, screen)
    rows: list[Sequence[Cell]] = [[("dim", "output"), screen_path(path)] for path in found.outputs]
    for artifact in found.artifacts[: None if screen.verbose else _MOST_FILES]:
        rows += _artifact_rows(artifact, screen)
    if len(found.artifacts) > _MOST_FILES and not screen.verbose:
        rows.append(["", f"and {len(found.artifacts) - _MOST_FILES} more; -v shows all"])
    rows += _provenance(found)
    lines += _rows(rows, screen)
    candidates = _candidates(found, screen)
    return [*lines, *([""] if candidates and lines[-1] else []), *candidates]


def _candidates(found: ShowResult, screen: Screen) -> list[str]:
    """Say what was chosen from, and what was said of each."""
    if not found.candidates:
        return []
    scored = any(one.score is not None for one in found.candidates)
    shown = found.candidates[: None if screen.verbose else _MOST_CANDIDATES]
    rows: list[Sequence[Cell]] = [[("dim", word) for word in ("", "", "candidate", "score" if scored else "", "")]]
    for one in shown:
        mark: Cell = ("hit", _mark(found, one.position)) if one.position in found.chosen else ""
        score = "" if one.score is None else f"{one.score:g}"
        reasons = one.reasons if screen.verbose else one.reasons[:1]
        said = " / ".join(" ".join(reason.split()) for reason in reasons)
        rows.append([mark, f"#{one.position}", safe(one.instance) or one.digest[:12], score, ("dim", safe(said))])
    lines = [*aligned(rows, screen.width(), screen.style, shrink=() if screen.verbose else (4,), right=(3,))]
    more = len(found.candidates) - len(shown)
    return [*lines, f"  and {more:,} more; -v shows all"] if more else lines


def _mark(found: ShowResult, position: int) -> str:
    return "chosen" if len(found.chosen) == 1 else f"{found.chosen.index(position) + 1}."


def _rows(rows: Sequence[Sequence[Cell]], screen: Screen) -> list[str]:
    # A path or a digest is there to be copied: it is never cut.
    return aligned(rows, screen.width(), screen.style)


def _value_lines(value: Any, screen: Screen) -> list[str]:
    if isinstance(value, Blob):
        return []
    if isinstance(value, str):
        text = [safe(line) for line in value.split("\n")]
        shown = text if screen.verbose else [cut(line, screen.width() - 2) for line in text[:_MOST_LINES]]
        more = [f"  and {len(text) - len(shown)} lines more; -v shows all"] if len(text) > len(shown) else []
        return [*(f"  {line}" for line in shown), *more, ""]
    if isinstance(value, list) and value and all(isinstance(item, Blob) for item in value):
        return []
    return [f"  {short(value, 10_000 if screen.verbose else screen.width() - 2)}", ""]


def _artifact_rows(artifact: Artifact, screen: Screen) -> list[Sequence[Cell]]:
    facts = facts_of(artifact.facts, artifact.size_bytes)
    rows: list[Sequence[Cell]] = [
        [("dim", "file"), safe(artifact.path) if artifact.path else ("failed", "its bytes are gone")]
    ]
    rows.append([("dim", "facts"), "   ".join([safe(artifact.media_type), *facts, *_more_facts(artifact.facts)])])
    if screen.verbose:
        rows.append([("dim", "digest"), artifact.digest])
    return rows


def _more_facts(facts: dict[str, Any]) -> list[str]:
    words = []
    if "fps" in facts:
        over, under = facts["fps"]
        words.append(f"{over / under:g} fps")
    if "sample_rate" in facts:
        words.append(f"{facts['sample_rate']:,} Hz")
    if "alignment" in facts:
        words.append(f"{len(facts['alignment'])} words in time")
    if "chapters" in facts:
        words.append(f"{len(facts['chapters'])} chapters")
    return words


def _provenance(found: ShowResult) -> list[Sequence[Cell]]:
    rows: list[Sequence[Cell]] = []
    if found.replaced is not None:
        rows += _replaced(found, found.replaced)
    elif found.at_ms is not None:
        made = when(found.at_ms, dt.datetime.now().astimezone())
        took = f", in {seconds(found.seconds)}" if found.seconds is not None else ""
        rows.append([("dim", "made"), f"{made}{took}"])
    if found.cost_microusd or found.job is not None:
        source = _SOURCES.get(found.job.cost_source, "") if found.job is not None else ""
        rows.append([("dim", "cost"), dollars(found.cost_microusd) + (f", {source}" if source else "")])
    if found.passed:
        rows.append([("dim", "in place of"), safe(passed_words(found.passed))])
    if found.job is not None:
        rows.append([("dim", "attempt"), found.job.attempt])
        rows += [[("dim", safe(name)), safe(value)] for name, value in found.job.ids.items()]
    if found.run:
        rows.append([("dim", "run"), safe(found.run)])
    if found.made_with:
        rows.append(
            [("dim", "with"), ", ".join(f"{safe(tool)} {safe(version)}" for tool, version in found.made_with.items())]
        )
    if found.key:
        rows.append([("dim", "key"), found.key])
    return rows


def _replaced(found: ShowResult, by: Replacement) -> list[Sequence[Cell]]:
    """Return who made it, and what it stands for."""
    now = dt.datetime.now().astimezone()
    moved = "   its inputs have moved since" if by.stale else ""
    kept = f", kept {when(found.at_ms, now)}" if found.at_ms is not None else ""
    rows: list[Sequence[Cell]] = [[("dim", "made"), f"by a person: {safe(by.file)}{kept}{moved}"]]
    if by.instead_of is None:
        return [*rows, [("dim", "instead"), "of nothing: no result was known then"]]
    if by.at_ms is None:
        return [*rows, [("dim", "instead"), f"of a result that is not in this store ({by.instead_of[:12]})"]]
    words = [f"of what {safe(by.model or found.kind)} made {when(by.at_ms, now)}"]
    words += [dollars(by.cost_microusd)] if by.cost_microusd else []
    words += [] if by.artifacts else [short(by.original)]
    rows.append([("dim", "instead"), "   ".join(words)])
    files = by.artifacts[:_MOST_FILES]
    return rows + [["", safe(one.path) if one.path else ("failed", "its bytes are gone")] for one in files]


def _document(graph: str, profile: str | None, found: ShowResult) -> dict[str, Any]:
    return {
        "graph": graph,
        "profile": profile,
        "node": found.node,
        "kind": found.kind,
        "model": found.model or None,
        "status": found.status,
        "stale": found.stale,
        "value": plain(found.value),
        "artifacts": [_artifact(one) for one in found.artifacts],
        "outputs": list(found.outputs),
        "key": found.key,
        "run": found.run,
        "at_ms": found.at_ms,
        "seconds": found.seconds,
        "made_with": found.made_with,
        "cost_usd": usd_decimal(found.cost_microusd),
        "attempt": None if found.job is None else found.job.attempt,
        "replaced": None if found.replaced is None else _replacement(found.replaced),
        **({"passed": [passed_document(one) for one in found.passed]} if found.passed else {}),
        **({} if found.served_by is None else {"served_by": found.served_by}),
        **({"candidates": [_candidate(found, one) for one in found.candidates]} if found.candidates else {}),
    }  # fmt: skip


def _artifact(one: Artifact) -> dict[str, Any]:
    return {
        "digest": one.digest, "type": one.type, "media_type": one.media_type, "size_bytes": one.size_bytes,
        "facts": plain(one.facts), "path": one.path,
    }  # fmt: skip


def _replacement(by: Replacement) -> dict[str, Any]:
    return {
        "file": by.file, "stale": by.stale, "instead_of": by.instead_of, "original": plain(by.original),
        "artifacts": [_artifact(one) for one in by.artifacts], "cost_usd": usd_decimal(by.cost_microusd),
    }  # fmt: skip


def _candidate(found: ShowResult, one: Candidate) -> dict[str, Any]:
    """One candidate of a selection; `rank` is 1 for the best of those that it gives, null for the others."""
    return {
        "position": one.position,
        "candidate": one.instance or None,
        "digest": one.digest,
        "score": one.score,
        "reasons": list(one.reasons),
        "rank": found.chosen.index(one.position) + 1 if one.position in found.chosen else None,
    }
