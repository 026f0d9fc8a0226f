"""A graph into the seconds that deciding takes when every action is answered at once. Prints JSON."""

from __future__ import annotations

import gc
import json
import sys
import time
from collections import deque
from typing import Any

from dagcontent import api
from dagcontent.plan.resolver import Resolver
from dagcontent.run.machine import Claim, Claimed, Completed, Effect, Finish, Machine, MachineEvent, Start
from dagcontent.values.record import Done, Record

SLOTS = 8


class Nothing:
    """A store without records, and a folder without files."""

    def find(self, _key: str) -> None:
        """Find nothing."""

    def family(self, _kind: str, _model: str, _limit: int) -> list[Record]:
        """Find nothing."""
        return []


def main(path: str) -> None:
    """Drive a machine to its end; what the machine itself takes is timed without the resolver's part."""
    loaded = api.load(path)
    gc.disable()
    nothing: Any = Nothing()
    began = time.perf_counter()
    resolver = Resolver(loaded.graph, nothing, nothing)
    calls = [_timed(resolver, "take"), _timed(resolver, "settled")]
    first = time.perf_counter() - began
    machine = Machine(resolver, slots=SLOTS, remaining_s=lambda _node: 1.0)
    nodes = drive(machine)
    took = time.perf_counter() - began
    assert nodes == len(loaded.graph.nodes), f"{nodes} were made"
    json.dump({"seconds": took, "machine_s": took - first - sum(map(sum, calls))}, sys.stdout)


def drive(machine: Machine) -> int:
    """Answer claims and starts at once; return how many actions were made."""
    made = 0
    events: deque[MachineEvent] = deque()
    effects: list[Effect] = machine.begin()
    while True:
        for effect in effects:
            if isinstance(effect, Claim):
                events.extend(Claimed(key, won=True) for key in effect.keys)
            elif isinstance(effect, Start):
                made += 1
                action = effect.task.action
                value = f"made {made}"
                events.append(Completed(action.key, Record(action.key, action.manifest, Done(value), {}, "run", 0)))
            elif isinstance(effect, Finish):
                return made
        effects = machine.on(events.popleft())


def _timed(resolver: Resolver, name: str) -> list[float]:
    """Have a method note the seconds of each call."""
    method = getattr(resolver, name)
    calls: list[float] = []

    def timed(*given: Any, **more: Any) -> Any:
        began = time.perf_counter()
        answer = method(*given, **more)
        calls.append(time.perf_counter() - began)
        return answer

    setattr(resolver, name, timed)
    return calls


main(*sys.argv[1:])
