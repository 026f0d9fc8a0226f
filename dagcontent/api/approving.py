"""What a person says of gates into entries of the choices file. Runs nothing and spends nothing.

An entry keeps the digest of what was approved and of what was rejected last: each holds while the gate shows just that.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import msgspec

from dagcontent.api.deciding import Choosing, Decided
from dagcontent.api.picking import words_on
from dagcontent.api.result import Shown
from dagcontent.errors import NodeError, UsageError
from dagcontent.plan.approval import Word, word_on
from dagcontent.plan.evaluate import Missing
from dagcontent.plan.selection import Candidate, candidates_of, digest_of
from dagcontent.plan.unit import Status, Unit
from dagcontent.values.value import UNKNOWN, Value, contains_unknown

__all__ = ["Approved", "Approving", "shown_of", "title_of"]

_LONGEST_NOTE: Final = 2000


class Approved(msgspec.Struct, frozen=True):
    """What was said of a gate: the digest of what it shows, the parts of that, and what was said of it before."""

    node: str
    digest: str
    shows: tuple[Shown, ...]
    word: Word
    was: Word


class Approving:
    """Decides about the gates that were named."""

    def __init__(self, choosing: Choosing) -> None:
        self._choosing = choosing
        self._resolver = choosing.resolver
        self._graph = choosing.loaded.graph

    def approve(self) -> Decided:
        """Have gates give on what they show. Raises UsageError for one of which that is not made yet."""
        return self._say(Word.APPROVED, {})

    def reject(self, note: str) -> Decided:
        """Have gates fail while they show what they do. Raises UsageError as `approve`."""
        said = " ".join(note.split())
        if len(said) > _LONGEST_NOTE:
            text = f"--note has {len(said):,} characters, and the most is {_LONGEST_NOTE:,}"
            raise UsageError(text, hint="say it in fewer words")
        return self._say(Word.REJECTED, {"note": said} if said else {})

    def _say(self, word: Word, more: Mapping[str, str]) -> Decided:
        placed = self._placed()
        rows: list[Approved] = []
        for unit in self._choosing.units:
            name = self._resolver.fanout.name(unit)
            value = self._shown(unit, name)
            parts = self._parts(unit)
            was = word_on(self._resolver.decisions.of(unit), value)
            rows.append(Approved(name, digest_of(value), shown_of(parts, placed), word, was))
        digests = {row.node: f"sha256:{row.digest}" for row in rows}

        def changed(entry: Mapping[str, Any], name: str) -> Mapping[str, Any]:
            return {**_without(entry, word, digests[name]), word.value: digests[name], **more}

        return self._choosing.write(rows, changed, about=False)

    def _shown(self, unit: Unit, name: str) -> Value:
        """Return what a gate shows. Raises UsageError where there is nothing to look at yet."""
        node = self._graph.nodes[unit.node]
        if unit.status is Status.SKIPPED:
            raise UsageError(
                f"{name} is skipped: there is nothing to approve",
                hint="its `when`, or that of what it shows, does not hold",
            )
        try:
            value: Value = self._resolver.inputs.params(unit, node).get(node.kind.passes, UNKNOWN)
        except Missing as missing:
            by = f": {self._resolver.fanout.name(missing.by)} failed or is skipped" if missing.by is not None else ""
            raise UsageError(f"{name} has nothing to show{by}", hint="build it first") from None
        except NodeError as error:
            raise UsageError(f"{name}: {error.message}", hint=error.hint) from None
        if contains_unknown(value):
            raise UsageError(
                f"what {name} shows is still to be made: there is nothing to approve yet",
                hint="build it first; where it waits for another gate or a pick, decide that one first",
            )
        return value

    def _parts(self, unit: Unit) -> list[Candidate]:
        resolver, node = self._resolver, self._graph.nodes[unit.node]
        return candidates_of(resolver.fanout, resolver.evaluator, unit, node, resolver.inputs.params(unit, node))

    def _placed(self) -> dict[str, str]:
        """Return the files beside the graph by the digest of what was placed there."""
        loaded = self._choosing.loaded
        folder = Path(loaded.pipeline.output_dir)
        found = self._choosing.store.outputs(str(loaded.path)).items()
        return {output.digest: str(folder / path) for path, output in found if os.path.isfile(folder / path)}


def shown_of(parts: Sequence[Candidate], placed: Mapping[str, str]) -> tuple[Shown, ...]:
    """Return what a gate shows, part by part. `placed` are files by digest."""
    return tuple(Shown(one.instance, one.digest, words_on(one.value), placed.get(one.digest)) for one in parts)


def title_of(params: Mapping[str, Any]) -> str:
    """Return the question of a gate, as far as it is known."""
    title = params.get("title")
    return title if isinstance(title, str) else ""


def _without(entry: Mapping[str, Any], word: Word, digest: str) -> dict[str, Any]:
    """Return an entry without what the new word takes the place of: the word before it of the same sort, and of the same content."""
    kept = dict(entry)
    if word is Word.REJECTED or kept.get("rejected") == digest:
        kept.pop("rejected", None)
        kept.pop("note", None)
    if word is Word.APPROVED or kept.get("approved") == digest:
        kept.pop("approved", None)
    return kept
