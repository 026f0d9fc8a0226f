"""Effects of the machine into events, in any order that chance gives, without a clock, a thread or a store.

Stands where `run/driver.py` and the store stand, and checks what the machine asks for: no key twice, no slot too many,
no start without a claim.
"""

from __future__ import annotations

import hashlib
import random
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from oracle import kinds

from dagcontent.api.files import BesideFiles
from dagcontent.api.loading import load_graph
from dagcontent.errors import NodeError
from dagcontent.plan.action import Action
from dagcontent.plan.resolver import Resolver
from dagcontent.run import machine as m
from dagcontent.values.record import Done, Record
from dagcontent.values.value import Blob, Digest, blobs_in


class NoSide:
    """A side cache that forgets everything."""

    def get_many(self, keys: list[str]) -> dict[str, bytes]:
        return {}

    def set_many(self, rows: Any) -> bool:
        return False


class Memory:
    """Records and bytes, as a store has them; a record whose bytes are gone is none."""

    def __init__(self) -> None:
        self.records: dict[str, Record] = {}
        self.bytes: dict[str, bytes] = {}

    def find(self, key: str) -> Record | None:
        record = self.records.get(key)
        whole = record is not None and all(b.digest in self.bytes for b in blobs_in(record.outcome.value))  # type: ignore[union-attr]
        return record if whole else None

    def results(self, instance: str, limit: int) -> Sequence[Record]:
        return []

    def refusal(self, key: str) -> Any:
        return None

    def standing(self, key: str) -> Any:
        return None

    def family(self, kind: str, model: str, limit: int) -> Sequence[Record]:
        found = [r for r in self.records.values() if (r.manifest.kind, r.manifest.model) == (kind, model)]
        return found[::-1][:limit]

    def make(self, action: Action, *, salt: bytes = b"") -> Record:
        """Do what an executor does. Raises NodeError."""
        try:
            made = kinds.made_of(
                action.node.kind.name, action.params, lambda blob: self.bytes[blob.digest], action.seed
            )
        except kinds.Fail as error:
            raise NodeError(str(error)) from None
        if isinstance(made, bytes):
            made += salt
            digest = Digest(hashlib.sha256(made).hexdigest())
            self.bytes[digest] = made
            made = Blob(digest, "audio", "audio/wav", len(made), kinds.facts_of(made))
        return Record(action.key, action.manifest, Done(made), {}, "run", 1)

    def commit(self, record: Record) -> None:
        if self.find(record.key) is None:
            self.records[record.key] = record


def resolver_of(graph: Path, memory: Memory, **options: Any) -> Resolver:
    """Return a resolver of a graph file over a memory."""
    loaded = load_graph(graph)
    return Resolver(loaded.graph, memory, BesideFiles(graph.parent, NoSide()), **options)


class Driver:
    """Runs a machine to its end. `p` are chances: of a claim held elsewhere, a passing failure, lost bytes, a stop."""

    def __init__(
        self, machine: m.Machine, memory: Memory, chance: random.Random, slots: int, p: dict[str, float]
    ) -> None:
        self.machine, self.memory, self.random, self.slots, self.p = machine, memory, chance, slots, p
        self.salt = b""  # makes what is made differ from what was made before
        self.started: Counter[str] = Counter()  # started, by key
        self.executed: Counter[str] = Counter()  # succeeded or failed for good
        self.running: dict[str, m.Task] = {}
        self.held: set[str] = set()
        self.foreign: set[str] = set()
        self.actions: dict[str, Action] = {}
        self.pending: list[Any] = []  # events that may arrive, in any order
        self.wakes: list[float] = []
        self.backoffs: dict[str, list[float]] = {}
        self.stopped = False

    def run(self) -> None:
        """Deliver events until the machine finishes."""
        finished = self.take(self.machine.begin())
        for _ in range(100_000):
            if finished:
                return
            finished = self.take(self.machine.on(self.next_event()))
        raise AssertionError("the machine does not come to an end")

    def next_event(self) -> Any:
        if not self.stopped and self.random.random() < self.p.get("stop", 0):
            self.stopped = True
            return m.Stop()
        choices = len(self.pending) + len(self.running) + (1 if self.wakes else 0)
        assert choices, "the machine waits for nothing"
        at = self.random.randrange(choices)
        if at < len(self.pending):
            return self.pending.pop(at)
        at -= len(self.pending)
        if at < len(self.running):
            return self.end(list(self.running.values())[at])
        at_s = min(self.wakes)  # time goes forward
        self.wakes.remove(at_s)
        return m.Tick(max(at_s, self.machine.now))

    def end(self, task: m.Task) -> Any:
        """Return what came of a running task."""
        key, action = task.action.key, task.action
        del self.running[key]
        lost = [b.digest for v in action.params.values() for b in blobs_in(v) if b.digest not in self.memory.bytes]
        if lost:
            return m.Lost(key, lost[0])
        if self.random.random() < self.p.get("retry", 0):
            error = NodeError("a passing failure", retry=True)
            if task.attempt <= action.node.spec.retries and not self.machine.stopped:
                self.backoffs.setdefault(key, []).append(self.machine.now + m.BACKOFF_S * 2 ** (task.attempt - 1))
            return m.Failed(key, error)
        self.executed[key] += 1
        try:
            record = self.memory.make(action, salt=self.salt)
        except NodeError as error:
            return m.Failed(key, error)
        self.memory.commit(record)
        self.held.discard(key)
        return m.Completed(key, record)

    def take(self, effects: list[Any]) -> bool:
        """Carry effects out; return whether the last was to finish."""
        for effect in effects:
            if isinstance(effect, m.Claim):
                self.claim(effect.keys)
            elif isinstance(effect, m.Start):
                key = effect.task.action.key
                assert key not in self.running, "one key runs twice at once"
                assert key in self.held, "a task runs without a claim"
                assert self.memory.find(key) is None, "a task runs whose record is there"
                self.running[key] = effect.task
                self.started[key] += 1
                assert len(self.running) <= self.slots, "more tasks run than there are slots"
                assert not self.stopped, "a task starts after the stop"
                self.lose()
            elif isinstance(effect, m.Await):
                assert effect.key in self.foreign
                self.pending.append(self.foreign_end(effect.key))
            elif isinstance(effect, m.Release):
                assert not set(effect.keys) & set(self.running)
                self.held.difference_update(effect.keys)
            elif isinstance(effect, m.Wake):
                expected = next(at for times in self.backoffs.values() for at in times if at == effect.at)
                assert effect.at == expected
                self.wakes.append(effect.at)
        return any(isinstance(effect, m.Finish) for effect in effects)

    def claim(self, keys: Sequence[str]) -> None:
        for key in keys:
            assert key not in self.held or key in self.foreign, "a key is claimed twice"
            self.foreign.discard(key)
            record = self.memory.find(key)
            if record is not None:
                self.pending.append(m.Claimed(key, False, "", record))  # type: ignore[arg-type]
            elif self.random.random() < self.p.get("foreign", 0):
                self.foreign.add(key)
                self.pending.append(m.Claimed(key, False, "another run"))  # type: ignore[arg-type]
            else:
                won = key not in self.memory.records  # of a record whose bytes are gone there is no claim
                self.held.add(key)
                self.pending.append(m.Claimed(key, won))  # type: ignore[arg-type]

    def foreign_end(self, key: str) -> Any:
        """Return what came of another run: it made the record, or it died, or it gave the key up."""
        task = self.machine._tasks[key]  # type: ignore[index]
        if self.random.random() < 0.5:
            return m.ForeignEnded(task.action.key, None)
        try:
            self.memory.commit(self.memory.make(task.action))
        except (NodeError, KeyError):
            return m.ForeignEnded(task.action.key, None)
        return m.ForeignEnded(task.action.key, self.memory.find(key))

    def lose(self) -> None:
        """Let some bytes be damaged."""
        there = sorted(self.memory.bytes)
        if there and self.random.random() < self.p.get("lose", 0):
            del self.memory.bytes[self.random.choice(there)]
