"""Random graphs into how far simulated builds end from max(critical path, work / slots). Prints JSON. Never sleeps.

The machine is the one that builds; its clock is the simulation's. Latencies are spread around the seconds that each kind
usually takes. What the machine is told of them: "known" (the latencies themselves), "learnt" (what a build knows that has
eight earlier results of each kind), "guessed" (what a first build knows).
"""

from __future__ import annotations

import heapq
import json
import random
import statistics
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from dagcontent.graph.link import link
from dagcontent.graph.model import Graph
from dagcontent.plan.resolver import Resolver
from dagcontent.run.machine import Claim, Claimed, Completed, Effect, Finish, Machine, MachineEvent, Start, Tick
from dagcontent.run.remaining import RemainingTime
from dagcontent.spec.load import load
from dagcontent.values.record import Done, Manifest, Record

SLOTS = (1, 2, 4, 8, 16)
NODES = (20, 400)
USUAL_S = {"text.generate": 2.0, "image.generate": 8.0, "speech.generate": 3.0, "video.generate": 60.0}
SPREAD = 0.6
TOLD = ("known", "learnt", "guessed")
WRITTEN = {
    "text.generate": 'model = "local/outline"\nprompt = "node {i}"',
    "image.generate": 'model = "local/card"\nprompt = "node {i}"',
    "speech.generate": 'model = "local/espeak"\nvoice = "en-us"\ntext = "node {i}"',
    "video.generate": 'model = "local/kenburns"\nprompt = "node {i}"',
}


class Records:
    """A store in which no key is found. With chance it has earlier results of each kind, as long as such take."""

    def __init__(self, chance: random.Random | None = None) -> None:
        self._chance = chance

    def find(self, _key: str) -> None:
        """Find nothing."""

    def family(self, kind: str, _model: str, limit: int) -> list[Record]:
        """Return earlier results of a kind."""
        if self._chance is None:
            return []
        seconds = [self._chance.lognormvariate(0, SPREAD) * USUAL_S[kind] for _ in range(limit)]
        return [Record("", Manifest(kind, 1, {}), Done(None), {}, "run", 0, seconds=s) for s in seconds]


def main(graphs: str, seed: str) -> None:
    """Simulate each graph with every number of slots."""
    chance = random.Random(int(seed))
    found: dict[tuple[str, int], list[float]] = {}
    counts = []
    for _ in range(int(graphs)):
        graph = random_graph(chance)
        counts.append(len(graph.nodes))
        latency = [chance.lognormvariate(0, SPREAD) * USUAL_S[node.kind.name] for node in graph.nodes]
        longest = remaining(graph, latency)
        for slots in SLOTS:
            bound = max(*longest, sum(latency) / slots)
            for told in TOLD:
                ended = simulate(graph, latency, slots, _estimates(told, longest, chance))
                found.setdefault((told, slots), []).append(ended / bound)
    rows = [
        {"durations": told, "slots": slots, "median": statistics.median(ratios),
         "p90": sorted(ratios)[len(ratios) * 9 // 10], "worst": max(ratios)}
        for (told, slots), ratios in sorted(found.items(), key=lambda item: (TOLD.index(item[0][0]), item[0][1]))
    ]  # fmt: skip
    json.dump({"rows": rows, "smallest": min(counts), "largest": max(counts)}, sys.stdout)


def random_graph(chance: random.Random) -> Graph:
    """Return a graph of one of several shapes: from nearly free to nearly a chain. Edges are `needs`: any kind, any kind."""
    nodes = chance.randint(*NODES)
    reach = chance.choice((3, 10, 50, nodes))
    fan = chance.choice((1, 2, 4))
    free = chance.choice((0.05, 0.2, 0.5))
    lines = ['[graph]\nname = "simulated"']
    for i in range(nodes):
        kind = chance.choices(tuple(WRITTEN), (4, 3, 2, 1))[0]
        lines.append(f'\n[node.n{i}]\nkind = "{kind}"\n{WRITTEN[kind].format(i=i)}')
        if i and chance.random() > free:
            before = range(max(0, i - reach), i)
            needs = chance.sample(before, min(len(before), chance.randint(1, fan)))
            lines.append("needs = [" + ", ".join(f'"n{j}"' for j in needs) + "]")
    read = load(Path("simulated.toml"), text="\n".join(lines))
    linked = link(read.pipeline)
    wrong = [m.message for m in (*read.mistakes, *linked.mistakes) if not m.warning]
    assert linked.graph is not None, wrong
    assert not wrong, wrong
    return linked.graph


def remaining(graph: Graph, latency: list[float]) -> list[float]:
    """Return the longest path from the start of each node to the end of all."""
    below = [0.0] * len(latency)
    total = [0.0] * len(latency)
    for index in reversed(graph.order):
        total[index] = below[index] + latency[index]
        for producer in graph.inputs_of(graph.nodes[index]):
            below[producer] = max(below[producer], total[index])
    return total


def _estimates(told: str, longest: list[float], chance: random.Random) -> Callable[[Resolver], Callable[[int], float]]:
    """Return what makes the estimates of a build."""
    if told == "known":
        return lambda _: longest.__getitem__
    records: Any = Records(chance if told == "learnt" else None)
    return lambda resolver: RemainingTime(Resolver(resolver.graph, records, records))


def simulate(
    graph: Graph, latency: list[float], slots: int, estimates: Callable[[Resolver], Callable[[int], float]]
) -> float:
    """Return when a build would end, in simulated seconds."""
    nothing: Any = Records()
    resolver = Resolver(graph, nothing, nothing)
    machine = Machine(resolver, slots=slots, remaining_s=estimates(resolver))
    now = 0.0
    running: list[tuple[float, int, MachineEvent]] = []
    pending: list[Effect] = machine.begin()
    while True:
        events: list[MachineEvent] = []
        for effect in pending:
            if isinstance(effect, Claim):
                events.extend(Claimed(key, won=True) for key in effect.keys)
            elif isinstance(effect, Start):
                action = effect.task.action
                record = Record(action.key, action.manifest, Done(f"made {action.node.index}"), {}, "run", 0)
                ends = now + latency[action.node.index]
                heapq.heappush(running, (ends, action.node.index, Completed(action.key, record)))
            elif isinstance(effect, Finish):
                return now
        if not events:
            now, _, ended = heapq.heappop(running)
            events = [Tick(now), ended]
        pending = [effect for event in events for effect in machine.on(event)]


main(*sys.argv[1:])
