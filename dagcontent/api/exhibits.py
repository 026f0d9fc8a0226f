"""The units of a resolution, and the rows of their plan, into the cards of a gallery. Writes nothing but what the shelf does."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Protocol

from dagcontent.api.deliberation import Deliberation, score_text
from dagcontent.api.loaded import LoadedGraph
from dagcontent.api.result import Job
from dagcontent.api.shelf import Shelf
from dagcontent.api.taken import Past, Taken
from dagcontent.errors import NodeError
from dagcontent.graph.model import Node
from dagcontent.kinds.declaration import Effect
from dagcontent.plan.evaluate import Missing
from dagcontent.plan.explain import Explainer
from dagcontent.plan.fanout import leaves
from dagcontent.plan.model import Plan, PlanRow
from dagcontent.plan.paid import is_paid
from dagcontent.plan.replaced import behind, file_of, is_replaced
from dagcontent.plan.resolver import Resolver
from dagcontent.plan.unit import Status, Unit
from dagcontent.report.gallery import Candidate, Card, Code, Command, Earlier, Fact, Part, Section, Table, Words
from dagcontent.report.picture import Box
from dagcontent.report.quantities import dollars, seconds
from dagcontent.store.store import Store
from dagcontent.values.attempt import AttemptState
from dagcontent.values.record import Done, FailedCharged, Record
from dagcontent.values.value import ABSENT, UNKNOWN, ActionKey, Blob, Mark, Value, blobs_in, contains_unknown

__all__ = ["Exhibits", "Wording"]

_SAID: Final = ("prompt", "text", "system", "instructions", "negative_prompt", "lyrics")
_MOST_PARTS: Final = 60
_MOST_VALUE: Final = 2_000
_MOST_EARLIER: Final = 6
_MOST_NAMES: Final = 400
_MOST_PICKS: Final = 6
_SOURCES: Final = {
    "reported": "as its vendor said", "computed": "by its usage", "estimated": "an estimate: its vendor does not say",
    "unknown": "nobody knows exactly",
}  # fmt: skip


class Wording(Protocol):
    """How things are said where the gallery was asked for."""

    def of(self, plan: Plan) -> None:
        """Take note of the plan that rows are of, before any is asked about."""
        ...

    def reason(self, row: PlanRow) -> str:
        """Return why a row has its status."""
        ...

    def command(self, *words: str) -> str:
        """Return a command on the same graph, to be copied."""
        ...

    def moment(self, at_ms: int) -> str:
        """Return a moment in the reader's own zone."""
        ...


class _Shown:
    """One unit with what is known of its result."""

    __slots__ = ("name", "record", "row", "stale", "unit", "value")

    def __init__(self, name: str, unit: Unit, row: PlanRow | None, record: Record | None, *, stale: bool) -> None:
        self.name = name
        self.unit = unit
        self.row = row
        self.record = record
        self.stale = stale
        self.value: Value = UNKNOWN
        if record is not None and isinstance(record.outcome, Done):
            self.value = record.outcome.value
        elif record is None and unit.status is Status.VALUE:
            self.value = unit.value


class Exhibits:
    """All that a gallery shows of one resolution."""

    def __init__(
        self, loaded: LoadedGraph, store: Store, resolver: Resolver, rows: Sequence[PlanRow], wording: Wording
    ) -> None:
        self._loaded = loaded
        self._store = store
        self._resolver = resolver
        self._wording = wording
        self._explainer = Explainer(resolver)
        self._rows = {row.node: row for row in rows}
        last = store.last_build(str(loaded.path), loaded.profile or "")
        self.shown = [
            self._look(unit, last) for unit in resolver.fanout.all_units()
            if unit.node >= 0 and (unit.status is not None or resolver.fanout.name(unit) in self._rows)
        ]  # fmt: skip
        self._weighed = Deliberation(loaded, resolver, [one.unit for one in self.shown])
        self._inputs = {one.name: tuple(self._inputs_of(one.unit)) for one in self.shown}
        self._uses: dict[str, dict[str, None]] = {}
        for name, inputs in self._inputs.items():
            for above in inputs:
                self._uses.setdefault(above, {})[name] = None
        self._makers: dict[str, str] = {}
        for one in self.shown:
            for blob in blobs_in(one.value):
                self._makers.setdefault(blob.digest, one.name)
        folder = Path(loaded.pipeline.output_dir)
        self._files: dict[str, list[str]] = {}
        for path, output in store.outputs(str(loaded.path)).items():
            if (folder / path).is_file():
                self._files.setdefault(output.digest, []).append(os.path.relpath(folder / path, loaded.pipeline.folder))
        past = Past(loaded, store, resolver)
        self._earlier = {one.name: self._earlier_of(one, past) for one in self.shown}

    def blobs(self) -> Iterator[Blob]:
        """Yield every artifact that is shown."""
        for one in self.shown:
            yield from list(dict.fromkeys(blobs_in(one.value)))[:_MOST_PARTS]
            for candidate in self._weighed.among[one.unit]:
                yield from blobs_in(candidate.value)
            for row in self._earlier[one.name]:
                yield from list(blobs_in(row.value))[:1]

    def sections(self, shelf: Shelf, boxes: Mapping[str, Box]) -> tuple[Section, ...]:
        """Return the cards, by node: nodes that give an output first, then in the graph's order."""
        by_node: dict[int, list[Card]] = {}
        for one in self.shown:
            by_node.setdefault(one.unit.node, []).append(self._card(one, shelf))
        graph = self._loaded.graph
        order = sorted(by_node, key=lambda index: graph.nodes[index].output is None)
        made = []
        for index in order:
            node, box = graph.nodes[index], boxes[graph.nodes[index].name]
            made.append(
                Section(node.name, node.kind.name, box.model, box.family, node.output is not None, box.value, tuple(by_node[index]))
            )  # fmt: skip
        return tuple(made)

    # -- what is known of a unit --------------------------------------------------------------------------------

    def _look(self, unit: Unit, last: Mapping[str, str]) -> _Shown:
        name = self._resolver.fanout.name(unit)
        record, stale = unit.record, False
        if record is None and unit.status is not Status.VALUE and name in last:
            record = self._store.get(ActionKey(last[name]))
            stale = record is not None
        return _Shown(name, unit, self._rows.get(name), record, stale=stale)

    def _inputs_of(self, unit: Unit) -> Iterator[str]:
        if None in unit.coords:
            return
        node, fanout, evaluator = self._loaded.graph.nodes[unit.node], self._resolver.fanout, self._resolver.evaluator
        scope, seen = fanout.scope_of(unit), set[Unit]()
        for output in (*node.outputs, *node.when_outputs):
            try:
                chosen = fanout.choose(output, scope, lambda by: evaluator.value(by, scope))
            except (NodeError, Missing):
                continue  # a look-up that misses chooses nothing
            for above in leaves(chosen):
                if above not in seen:
                    seen.add(above)
                    yield fanout.name(above)

    def _earlier_of(self, one: _Shown, past: Past) -> Sequence[Taken]:
        """Return other results that an instance made by a model had."""
        node = self._loaded.graph.nodes[one.unit.node]
        if not node.kind.by_model or None in one.unit.coords:
            return ()
        now = "" if one.record is None else one.record.key
        return [row for row in past.of(one.unit, node).rows if row.key != now][:_MOST_EARLIER]

    # -- a card -------------------------------------------------------------------------------------------------

    def _card(self, one: _Shown, shelf: Shelf) -> Card:
        node, weighed = self._loaded.graph.nodes[one.unit.node], self._weighed
        row, record = one.row, one.record
        status = row.status if row is not None else one.unit.status.value if one.unit.status is not None else "unneeded"
        parts = [] if contains_unknown(one.value) else list(self._parts(one.value, shelf))
        params, model = self._asked(one)
        said = tuple((name, str(params[name])) for name in _SAID if isinstance(params.get(name), str))
        labels = self._resolver.fanout.labels(one.unit)
        taken = node.spec.takes is not None and bool(labels) and labels[-1].startswith("take=")
        return Card(
            name=one.name, node=node.name, kind=node.kind.name, model=model, status=status, stale=one.stale,
            reason=self._reason(one), output=node.output is not None, files=self._placed(one, node),
            group=_without_take(one.name) if taken else "", parts=tuple(parts[:_MOST_PARTS]), hidden=max(0, len(parts) - _MOST_PARTS),
            said=said, params=tuple(self._param(name, value) for name, value in params.items() if name not in dict(said)),
            facts=tuple(self._facts(one)), inputs=self._inputs[one.name][:_MOST_NAMES],
            uses=tuple(self._uses.get(one.name, {}))[:_MOST_NAMES], marks=tuple(self._marks(one)),
            chosen_by=tuple(weighed.chosen.get(one.name, ())), scores=tuple(weighed.scores.get(one.name, ())),
            candidates=tuple(self._candidates(one, shelf, waits=status == "waiting")),
            question=weighed.question(one.unit), answers=tuple(self._answers(one, status)),
            served_by=weighed.served_by(one.unit), passed=weighed.passed(one.unit, self._inputs[one.name]),
            instead="" if one.stale else weighed.instead(one.unit),
            earlier=tuple(self._old(one, row, shelf) for row in self._earlier[one.name]),
            commands=tuple(self._commands(one, status)),
            cost_microusd=0 if record is None else record.cost_microusd,
            expected_microusd=0 if row is None else _expected(row), seconds=None if record is None else record.seconds,
        )  # fmt: skip

    def _placed(self, one: _Shown, node: Node) -> tuple[str, ...]:
        """Return the files beside the graph that a result was put into."""
        if node.output is None:
            return ()
        return tuple(path for blob in dict.fromkeys(blobs_in(one.value)) for path in self._files.get(blob.digest, ()))

    def _parts(self, value: Value, shelf: Shelf) -> Iterator[Part]:
        if isinstance(value, Blob):
            yield shelf.media(value)
        elif isinstance(value, str):
            text, href, more = shelf.text(value)
            yield Words(text, href, more)
        elif isinstance(value, list) and value and all(isinstance(item, Blob | str) for item in value):
            for item in value:
                yield from self._parts(item, shelf)
        elif (
            isinstance(value, dict)
            and value
            and all(isinstance(item, str | int | float | bool) for item in value.values())
        ):
            yield Table(
                tuple((name, item if isinstance(item, str) else json.dumps(item)) for name, item in value.items())
            )
        elif value is not None and not isinstance(value, Mark):
            yield from (shelf.media(blob) for blob in dict.fromkeys(blobs_in(value)))
            text, href, more = shelf.text(json.dumps(self._plain(value), ensure_ascii=False, indent=2))
            yield Code(text, href, more)

    def _asked(self, one: _Shown) -> tuple[dict[str, Value], str]:
        """Return what a unit was asked for, or would be as far as that is known, and its model; of what a person made, what that
        stands for was asked for, and no model.
        """
        if is_replaced(one.record):
            original = behind(one.record, self._store.get)
            return {} if original is None else original.manifest.params, ""
        if one.record is not None:
            return one.record.manifest.params, one.record.manifest.model
        row = "" if one.row is None else one.row.model
        params: dict[str, Value] = {}
        model = ""
        if one.unit.status is not Status.VALUE and None not in one.unit.coords:
            with contextlib.suppress(NodeError):
                params, model = self._explainer.known_params(one.unit)
        return params, self._loaded.pipeline.models.get(model or row, model or row)

    def _param(self, name: str, value: Value) -> Fact:
        if isinstance(value, Mark):
            return Fact(name, "to be made" if value is UNKNOWN else "-")
        blobs = list(dict.fromkeys(blobs_in(value)))
        made_here = tuple(dict.fromkeys(self._makers[blob.digest] for blob in blobs if blob.digest in self._makers))
        if blobs and len(made_here) == len(blobs) and isinstance(value, Blob | list):
            return Fact(name, instances=made_here)
        text = value if isinstance(value, str) else json.dumps(self._plain(value), ensure_ascii=False)
        return Fact(name, text if len(text) <= _MOST_VALUE else f"{text[:_MOST_VALUE]}...")

    def _plain(self, value: Value) -> Any:
        """Return a value as JSON data; artifacts by the instance that made them, or their digest."""
        if isinstance(value, Blob):
            return self._makers.get(value.digest) or f"{value.type} {value.digest[:12]}"
        if isinstance(value, Mark):
            return None if value is ABSENT else "to be made"
        if isinstance(value, dict):
            return {str(name): self._plain(item) for name, item in value.items()}
        return [self._plain(item) for item in value] if isinstance(value, list) else value

    def _reason(self, one: _Shown) -> str:
        if one.record is not None and isinstance(one.record.outcome, FailedCharged):
            return f"failed, and was charged: {one.record.outcome.message}"
        if one.row is None:
            return ""
        reason = self.near(self._wording.reason(one.row))
        return f"{reason} ({one.row.hint})" if one.row.status == "failed" and one.row.hint else reason

    def near(self, text: str) -> str:
        """Return what is said of files with paths as they are beside the graph: a page is shown to others."""
        return text.replace(f"{self._loaded.pipeline.folder}{os.sep}", "")

    def _facts(self, one: _Shown) -> Iterator[Fact]:
        record = one.record
        if record is None:
            return
        file = file_of(record)
        if file is not None:
            yield Fact("made", f"by a person: {file}, {self._wording.moment(record.at_ms)}")
            if "instead_of" in record.manifest.params:
                yield Fact("in place of", str(record.manifest.params["instead_of"]))
            yield Fact("key", record.key)
            return
        yield Fact("made", f"{self._wording.moment(record.at_ms)}, in {seconds(record.seconds)}")
        if is_paid(record.manifest.model):
            attempts = self._store.attempts.list([AttemptState.COMMITTED], key=record.key)
            job = Job.of(attempts[-1]) if attempts else None
            source = _SOURCES.get(job.cost_source, "") if job is not None else ""
            yield Fact("cost", dollars(record.cost_microusd) + (f", {source}" if source else ""))
            if job is not None:
                yield Fact("attempt", job.attempt)
                yield from (Fact(name, value) for name, value in job.ids.items())
        if record.manifest.realm:
            yield Fact("host", record.manifest.realm)
        if record.made_with:
            yield Fact("with", ", ".join(f"{tool} {version}" for tool, version in record.made_with.items()))
        yield Fact("run", record.run)
        yield Fact("key", record.key)

    def _marks(self, one: _Shown) -> Iterator[str]:
        choice = self._resolver.decisions.of(one.unit)
        if one.row is not None and one.row.status == "pinned":
            yield "stays, though its inputs have moved" if one.row.stale else "stays as it is"
        file = file_of(one.record)
        if file is not None:
            yield f"made by a person: {file}"
        if choice is not None and choice.reroll:
            yield f"sample {choice.reroll}"
        if word := self._weighed.word(one.unit):
            yield word

    def _candidates(self, one: _Shown, shelf: Shelf, *, waits: bool) -> Iterator[Candidate]:
        """Yield what is chosen from. What has a card of its own is shown small only while somebody is to look at it."""
        places = self._weighed.places(one.unit)
        picks = bool(self._loaded.graph.nodes[one.unit.node].kind.chooses)
        looks = waits or not picks
        for candidate in self._weighed.among[one.unit]:
            at = candidate.position
            part = next(self._parts(candidate.value, shelf), Words("")) if looks or not candidate.instance else None
            command = Command(self._wording.command("pick", one.name, f"#{at}")) if waits and picks else None
            chosen = "" if at not in places else "chosen" if len(places) == 1 else f"{places.index(at) + 1}."
            yield Candidate(
                f"#{at}" if picks else "", part, command, candidate.instance, score_text(candidate), candidate.reasons, chosen
            )  # fmt: skip

    def _old(self, one: _Shown, row: Taken, shelf: Shelf) -> Earlier:
        words = [self._wording.moment(row.at_ms)]
        if row.cost_microusd:
            words.append(dollars(row.cost_microusd))
        if row.error is not None:
            words.append(f"failed: {row.error}")
        if row.differs:
            words.append(f"with another {', '.join(diff.field.removeprefix('params.') for diff in row.differs)}")
        if row.file is not None:
            words.append(f"made by a person: {row.file}")
        pinned = one.unit.status is Status.PINNED
        back = row.there and not row.now and not row.differs and not pinned and row.file is None
        command = Command(self._wording.command("reroll", one.name, "--to", str(row.reroll))) if back else None
        part = next(self._parts(row.value, shelf), None) if row.error is None else None
        return Earlier("replaced" if row.file is not None else f"sample {row.reroll}", ", ".join(words), part, command)

    def _answers(self, one: _Shown, status: str) -> Iterator[Command]:
        """Yield the commands by which a person settles what waits, or what was rejected."""
        node, command = self._loaded.graph.nodes[one.unit.node], self._wording.command
        if node.kind.effect is Effect.PERSON:
            rejected = self._weighed.rejected(one.unit)
            if self._weighed.among[one.unit]:
                yield Command(
                    command("approve", one.name), "lets it through after all" if rejected else "lets it through"
                )
                if not rejected:
                    yield Command(command("reject", one.name, "--note", "WHY"), "stops it, and says why")
        elif status == "waiting" and node.kind.chooses and not self._weighed.among[one.unit]:
            yield Command(command("pick", one.name, "CHOICE"), "once its candidates are made")

    def _commands(self, one: _Shown, status: str) -> Iterator[Command]:
        node, command = self._loaded.graph.nodes[one.unit.node], self._wording.command
        if status in {"run", "maybe"} and one.stale:
            yield Command(command("why", one.name), "what differs from what is shown")
        if status == "pinned" and is_replaced(one.record):
            yield Command(command("replace", "--undo", one.name), "what was made takes its place again")
        elif status == "pinned":
            yield Command(command("unpin", one.name), "lets it follow its inputs")
        elif one.record is not None and node.kind.by_model and not one.stale:
            yield Command(command("reroll", one.name), "another sample")
        candidates, places = self._weighed.among[one.unit], self._weighed.places(one.unit)
        if len(places) == 1 and len(candidates) > 1:
            for candidate in candidates[:_MOST_PICKS]:
                if candidate.position not in places:
                    yield Command(command("pick", one.name, f"#{candidate.position}"), "takes this one instead")


def _without_take(name: str) -> str:
    head, _, _ = name.rpartition("take=")
    return head.rstrip(",") + "]" if head.endswith(",") else head.removesuffix("[")


def _expected(row: PlanRow) -> int | None:
    """Return what a row would likely cost, a list counted at what is expected of it; None: nobody knows."""
    if row.price is None or not row.buys:
        return 0
    quote = row.price.quote
    each = quote.high if quote.expected is None else quote.expected
    if each is None or not row.is_list:
        return each
    count = row.items_expected or row.items_max
    return None if count is None else each * count
