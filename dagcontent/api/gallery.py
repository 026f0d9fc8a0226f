"""A graph and a store into a gallery: one page of the last build, and its media beside it. Runs nothing, asks nobody, spends nothing.

Reached as `dagcontent.api.write_gallery`. It reads the store and writes beside the graph; of what is in the store only caches change
that can be thrown away.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import msgspec

from dagcontent import __version__
from dagcontent.api import GraphLike, loaded_from, opened_at
from dagcontent.api.exhibits import Exhibits, Wording
from dagcontent.api.ledger import Since, summed
from dagcontent.api.loaded import LoadedGraph
from dagcontent.api.past import summaries
from dagcontent.api.planning import dry_resolver, plan_graph
from dagcontent.api.shelf import Shelf, write_whole
from dagcontent.catalog.market import Market
from dagcontent.errors import UsageError
from dagcontent.plan.asking import Terms
from dagcontent.plan.model import Plan, PlanRow
from dagcontent.report.gallery import Command, Gallery, MoneyRow, Run, Section
from dagcontent.report.gallery_page import MARK, page
from dagcontent.report.picture import picture_of
from dagcontent.store.past import runs_since
from dagcontent.store.store import Store
from dagcontent.values.money import Ceiling, usd_text

__all__ = ["Written", "write_gallery"]

_ODD: Final = re.compile(r"[^\w.\-]+")
_FOLDER: Final = "gallery"
_HEAD_BYTES: Final = 4_096


class Written(msgspec.Struct, frozen=True, kw_only=True):
    """A gallery that was written. `page` and `media` are paths; `added` counts the files that were not there before, `gone` the artifacts
    whose bytes are not in the store any more. `size_bytes` is the page's.
    """

    page: str
    media: str
    size_bytes: int
    files: int
    added: int
    added_bytes: int
    gone: int
    artifacts: int
    counts: dict[str, int]
    plan: Plan
    gallery: Gallery


class _Plain:
    """How things are said to a program that says nothing of it."""

    def __init__(self, loaded: LoadedGraph) -> None:
        self._path = str(loaded.path)

    def of(self, plan: Plan) -> None:
        """Need to know no plan."""

    def reason(self, row: PlanRow) -> str:
        """Return why a row has its status."""
        return row.error or row.cause or ""

    def command(self, *words: str) -> str:
        """Return a command."""
        import shlex  # noqa: PLC0415 - of programs only

        return shlex.join(["dagcontent", words[0], self._path, *words[1:]])

    def moment(self, at_ms: int) -> str:
        """Return a moment in UTC."""
        return f"{datetime.fromtimestamp(at_ms / 1000, UTC):%Y-%m-%d %H:%M} UTC"


def write_gallery(  # noqa: PLR0913 - what a gallery is asked
    graph: GraphLike, output: str | os.PathLike[str] | None = None, *, params: Mapping[str, str] | None = None,
    profile: str | None = None, store: str | os.PathLike[str] | None = None, realms: Mapping[str, str] | None = None,
    market: Market | None = None, ceilings: Sequence[Ceiling] = (), wording: Wording | None = None,
    going_on: Command | None = None, now_ms: int | None = None,
) -> Written:  # fmt: skip
    """Write the page of a graph's last build, and what is new of its media beside it.

    `output` is a folder, or the page itself if it ends in `.html`; without it, `gallery` in the graph's output folder. The page of a
    graph is called as the graph is, with the profile's name if there is one. `wording` says how reasons and commands are put,
    `going_on` is the command that makes what is missing.
    Raises UsageError where it cannot be written, or where a file stands that is no gallery.
    """
    loaded = loaded_from(graph, params, profile)
    target = _target(loaded, output)
    _check(target)
    words = wording or _Plain(loaded)
    with opened_at(store, write=False) as opened:
        plan = plan_graph(loaded, opened, realms=realms, terms=Terms(market=market), ceilings=ceilings)
        resolver = dry_resolver(loaded, opened, (), realms)
        words.of(plan)
        exhibits = Exhibits(loaded, opened, resolver, plan.rows, words)
        shelf = Shelf(opened, target.parent, getattr(resolver.files, "paths", {}))
        blobs = list(exhibits.blobs())
        shelf.place(blobs)
        picture = picture_of(loaded.graph, plan.rows)
        sections = exhibits.sections(shelf, {box.name: box for box in picture.boxes})
        by_node, by_model, total = _money(loaded, opened, sections)
        gallery = Gallery(
            graph=loaded.name, description=loaded.pipeline.description, file=loaded.path.name, profile=loaded.profile,
            made="" if now_ms is None else words.moment(now_ms), version=__version__, picture=picture, sections=sections,
            run=_last_run(loaded, opened, words), by_node=by_node, by_model=by_model, total=total,
            ceilings=tuple(
                (room.ceiling.said, f"{usd_text(room.left_microusd)} left of {usd_text(room.ceiling.limit_microusd)} a {room.ceiling.per}")
                for room in plan.ceilings
            ),
            warnings=tuple(exhibits.near(text) for text in plan.warnings), next=_next(going_on, plan),
        )  # fmt: skip
    data = page(gallery).encode("utf-8", "replace")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(
            f"{target.parent} cannot be made: {error.strerror}", hint="give another folder with -o"
        ) from None
    write_whole(target, data)
    return Written(
        page=str(target), media=str(target.parent / "media"), size_bytes=len(data), files=shelf.files, added=shelf.added,
        added_bytes=shelf.added_bytes, gone=shelf.gone, artifacts=len({blob.digest for blob in blobs}), counts=plan.counts,
        plan=plan, gallery=gallery,
    )  # fmt: skip


def _next(going_on: Command | None, plan: Plan) -> tuple[Command, ...]:
    """Return the command that makes what is missing, if any of it can be made."""
    if going_on is None or not plan.pending:
        return ()
    waits = plan.counts.get("waiting", 0)
    return (msgspec.structs.replace(going_on, what="goes on, once that is decided") if waits else going_on,)


def _target(loaded: LoadedGraph, output: str | os.PathLike[str] | None) -> Path:
    given = Path(loaded.pipeline.output_dir) / _FOLDER if output is None else Path(output)
    if given.suffix.lower() in {".html", ".htm"}:
        return given.absolute()
    name = _ODD.sub("-", loaded.name).strip("-.") or "graph"
    profile = "" if loaded.profile is None else f".{_ODD.sub('-', loaded.profile)}"
    return (given / f"{name}{profile}.html").absolute()


def _check(target: Path) -> None:
    """Refuse to replace what is no gallery of ours. Raises UsageError."""
    try:
        with target.open("rb") as file:
            head = file.read(_HEAD_BYTES)
    except FileNotFoundError:
        return
    except OSError as error:
        raise UsageError(f"{target} cannot be written: {error.strerror}", hint="give another place with -o") from None
    if MARK.encode() not in head:
        raise UsageError(f"{target} is there, and is no gallery", hint="move it away, or give another place with -o")


def _last_run(loaded: LoadedGraph, store: Store, words: Wording) -> Run | None:
    found = [run for run in runs_since(store, graph=str(loaded.path)) if run.profile == (loaded.profile or "")]
    if not found:
        return None
    (summary,) = summaries(store, found[:1])
    run = summary.run
    took = None if run.ended_ms is None else (run.ended_ms - run.started_ms) / 1000
    return Run(summary.short, run.status, words.moment(run.started_ms), took, summary.cost.spent)


def _money(
    loaded: LoadedGraph, store: Store, sections: Sequence[Section]
) -> tuple[tuple[MoneyRow, ...], tuple[MoneyRow, ...], MoneyRow]:
    """Return what was paid and what is still to be paid: by node, by model, and in all."""
    cards = [card for section in sections for card in section.cards]
    made = []
    for by in ("node", "model"):
        rows = {
            row.name: MoneyRow(row.name, row.requests, row.spent, row.failed, row.reserved, unpriced=row.unpriced)
            for row in summed(by, Since(), store.attempts.ledger(by, graph=str(loaded.path))).rows
        }
        for card in cards:
            if not (card.cost_microusd or card.expected_microusd != 0):
                continue
            name = card.node if by == "node" else card.model
            before = rows.get(name, MoneyRow(name))
            rows[name] = msgspec.structs.replace(
                before, shown=before.shown + card.cost_microusd, expected=before.expected + (card.expected_microusd or 0),
                unpriced=before.unpriced + (card.expected_microusd is None),
            )  # fmt: skip
        made.append(tuple(sorted(rows.values(), key=lambda row: (-row.spent - row.shown, -row.expected, row.name))))
    by_node, by_model = made
    total = MoneyRow("total", *(sum(getattr(row, name) for row in by_node) for name in MoneyRow.__struct_fields__[1:]))
    return by_node, by_model, total
