"""A finished build into a memo that answers the same question at once, while nothing it rests on has changed.

Theory. A build that came out well rests on files (the graph, its includes, everything read beside it), lists of
files, parameters, targets, our version, and the store. The store only grows, but for what moves its generation; so
equal files, equal arguments and an equal generation mean equal results. A file is compared by stat, and by content
where stat differs or where it was written so shortly before it was read that its time tells nothing.
Knows no graph: it compares bytes. Disposable.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import msgspec

from dagcontent import __version__
from dagcontent.api.files import SeenFile, expand, stamp_of
from dagcontent.api.result import BuildResult, NodeResult
from dagcontent.errors import NodeError
from dagcontent.plan.model import Plan, PlanRow, Served
from dagcontent.plan.passed import Passed
from dagcontent.store.store import Store
from dagcontent.values.refusal import Refusal

__all__ = ["Memo", "Question", "matches", "read_memo", "unchanged", "write_memo"]

_FORMAT: Final = 7
_YOUNG_NS: Final = 100_000_000
"""A file written less than this before it was read may be written again without its times showing it."""


class Question(msgspec.Struct, frozen=True):
    """What was asked: a graph, its parameters, the targets, whose hosts stand for the vendors' own, and the profile."""

    path: str
    params: tuple[tuple[str, str], ...]
    targets: tuple[str, ...]
    realms: tuple[tuple[str, str], ...] = ()
    profile: str | None = None

    @classmethod
    def of(
        cls, path: str | os.PathLike[str], params: Mapping[str, str] | None, targets: Sequence[str],
        realms: Mapping[str, str] | None = None, profile: str | None = None,
    ) -> Question:  # fmt: skip
        """Return the question of a call."""
        given = tuple(sorted((params or {}).items()))
        return cls(os.path.realpath(path), given, tuple(targets), tuple(sorted((realms or {}).items())), profile)

    @property
    def key(self) -> str:
        """The name of its memo."""
        more = [self.realms] if self.realms else []
        return json.dumps(
            [self.path, self.params, self.targets, *more, *([{"profile": self.profile}] if self.profile else [])]
        )

    @property
    def stable(self) -> bool:
        """Whether its parameters say all: `x=@FILE` rests on a file that is read elsewhere."""
        return not any(value.startswith("@") for _, value in self.params)


class _Head(msgspec.Struct, array_like=True):
    format: int
    version: str
    graph: str
    profile: str | None
    files: list[SeenFile]
    globs: list[tuple[str, str, tuple[str, ...]]]
    placed: list[tuple[str, str, tuple[int, ...]]]  # instance, path, stamp
    counts: dict[str, int]
    warnings: tuple[str, ...]
    facts: dict[str, dict[str, Any]]
    saved_microusd: int
    served: list[tuple[str, str, int]]  # instance, alternative, its position
    rows: msgspec.Raw


class _Row(msgspec.Struct, array_like=True):
    node: str
    kind: str
    model: str
    status: str
    key: str | None
    digest: str | None
    cost: int
    stale: bool | None = None
    replaced: str | None = None
    passed: tuple[tuple[str, str, str, int | None], ...] = ()


_decode_head = msgspec.msgpack.Decoder(_Head)
_decode_rows = msgspec.msgpack.Decoder(list[_Row])
_encode = msgspec.msgpack.Encoder().encode


class Memo:
    """The answer. Rows are decoded when they are asked for: most callers want the counts only."""

    def __init__(self, head: _Head) -> None:
        self._head = head

    def plan(self) -> Plan:
        """Return the plan: everything that would be made is there."""
        rows = tuple(_plan_row(row) for row in self._rows())
        return Plan(self._head.graph, rows, self._head.warnings, self._head.profile)

    def result(self, seconds: float, *, nodes: bool) -> BuildResult:
        """Return the result of a build that had nothing to do; without `nodes` its list of instances is empty."""
        rows = self._rows() if nodes else []
        return BuildResult(
            graph=self._head.graph,
            status="ok",
            run="",
            counts=self._head.counts,
            nodes=tuple(
                NodeResult(r.node, r.status, r.digest, cost_microusd=r.cost, stale=r.stale, replaced=r.replaced)
                for r in rows
                if r.status != "unneeded"
            ),
            outputs=tuple((instance, path) for instance, path, _ in self._head.placed),
            seconds=seconds,
            warnings=self._head.warnings,
            facts=self._head.facts,
            saved_microusd=self._head.saved_microusd,
            profile=self._head.profile,
            served=tuple(Served(*one) for one in self._head.served),
        )

    def _rows(self) -> list[_Row]:
        return _decode_rows.decode(self._head.rows)


def read_memo(store: Store, question: Question, *, outputs: bool) -> Memo | None:
    """Return the memo of a question if everything it rests on is as it was; with `outputs`, the files placed as well."""
    body = store.read_memo(question.key)
    if body is None:
        return None
    try:
        head = _decode_head.decode(body)
    except (msgspec.DecodeError, msgspec.ValidationError):
        return None
    if head.format != _FORMAT or head.version != __version__:
        return None
    if not all(unchanged(file) for file in head.files):
        return None
    if not all(matches(folder, pattern, paths) for folder, pattern, paths in head.globs):
        return None
    if outputs and not all(_stamp(path) == stamp for _, path, stamp in head.placed):
        return None
    return Memo(head)


def write_memo(
    store: Store,
    question: Question,
    result: BuildResult,
    rows: Iterable[PlanRow],
    files: Iterable[SeenFile],
    globs: Mapping[tuple[str, str], tuple[str, ...]],
    *,
    generation: str,
    now_ns: int,
) -> None:
    """Keep the answer of a build that came out well. `generation` is the store's from before the build."""
    if not question.stable:
        return
    digests = {node.node: node.digest for node in result.nodes}
    kept = [_kept(row, digests.get(row.node)) for row in rows]
    counts = dict.fromkeys(result.counts, 0)
    for row in kept:
        counts[row.status] += 1
    counts["unneeded"] = result.counts["unneeded"]
    head = _Head(
        format=_FORMAT,
        version=__version__,
        graph=result.graph,
        profile=result.profile,
        files=[_aged(file, now_ns) for file in (*files, *_catalogs(kept))],
        globs=[(folder, pattern, paths) for (folder, pattern), paths in globs.items()],
        placed=[(instance, path, _stamp(path)) for instance, path in result.outputs],
        counts=counts,
        warnings=result.warnings,
        facts={path: _brief(facts) for path, facts in result.facts.items()},
        saved_microusd=sum(row.cost for row in kept),
        served=[(one.node, one.by, one.position) for one in result.served],
        rows=msgspec.Raw(_encode(kept)),
    )
    store.write_memo(question.key, _encode(head), generation=generation)


def _kept(row: PlanRow, digest: str | None) -> _Row:
    return _Row(
        row.node, row.kind, row.model, row.status, row.key, digest, row.cost_microusd, row.stale, row.replaced, _flat(row.passed)
    )  # fmt: skip


def _plan_row(row: _Row) -> PlanRow:
    passed = tuple(Passed(model, Refusal(why, said, charged)) for model, why, said, charged in row.passed)
    return PlanRow(
        row.node, row.kind, row.model, row.status, key=row.key, cost_microusd=row.cost, stale=row.stale, replaced=row.replaced,
        passed=passed,
    )  # fmt: skip


def _flat(passed: Iterable[Passed]) -> tuple[tuple[str, str, str, int | None], ...]:
    return tuple(
        (one.model, one.refusal.error_class, one.refusal.message, one.refusal.charged_microusd) for one in passed
    )


def _brief(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Return facts without those that are as long as the artifact: words with their times, chapters."""
    return {name: fact for name, fact in facts.items() if isinstance(fact, int | str)}


def _catalogs(rows: Iterable[_Row]) -> Iterable[SeenFile]:
    """Yield the catalogs of other packages that these rows rest on; our own change with our version."""
    providers = {row.model.partition("/")[0] for row in rows if "/" in row.model} - {"local"}
    if not providers:
        return
    from dagcontent.catalog.load import VENDORS  # noqa: PLC0415 - a free graph rests on none
    from dagcontent.catalog.third import catalog_of  # noqa: PLC0415 - as above

    for provider in sorted(providers - set(VENDORS)):
        path = catalog_of(provider)
        if path is not None and path.is_file():
            with path.open("rb") as opened:
                yield SeenFile(os.fspath(path), stamp_of(path), hashlib.file_digest(opened, "sha256").hexdigest())


def _aged(file: SeenFile, now_ns: int) -> SeenFile:
    young = len(file.stamp) > 1 and now_ns - file.stamp[1] < _YOUNG_NS
    return SeenFile(file.path, (), file.digest) if young else file


def unchanged(file: SeenFile) -> bool:
    """Tell whether a file is as it was when it was read, or still not there."""
    if not file.digest:
        return not os.path.lexists(file.path)
    if file.stamp and _stamp(file.path) == file.stamp:
        return True
    try:
        with Path(file.path).open("rb") as opened:
            return hashlib.file_digest(opened, "sha256").hexdigest() == file.digest
    except OSError:
        return False


def matches(folder: str, pattern: str, paths: tuple[str, ...]) -> bool:
    """Tell whether a pattern still matches these files and no others."""
    try:
        return tuple(expand(Path(folder), pattern)) == paths
    except NodeError:
        return False


def _stamp(path: str) -> tuple[int, ...]:
    try:
        return stamp_of(path)
    except OSError:
        return ()
