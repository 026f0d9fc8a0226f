"""What is measured within a process: fan-out, scheduling, makespan, blobs. Knows no peer but sha256sum and cp."""

from __future__ import annotations

from pathlib import Path

import ours
from graphs import fan_graph, made_fan_graph, write_dag
from process import run_once, seconds, take_turns
from rows import Row, Section

__all__ = ["blobs", "fan_out", "makespan", "pricing", "scheduling"]

_FAN_S = 1.0
_SCHEDULING_US = 200.0
_MAKESPAN_X = 1.05
_INGEST_X = 1.3
_PRICED_X = 1.5


def fan_out(folder: Path, items: int, rounds: int) -> Section:
    """Measure a node over a long list, written in the file and made at run time."""
    folder.mkdir()
    rows: list[Row] = []
    for what, text in (("literal list", fan_graph(items)), ("list made at run time", made_fan_graph(items))):
        graph = folder / "graph.toml"
        graph.write_text(text, encoding="utf-8")
        run_once(ours.build(folder))
        run_once(ours.nothing_to_do(folder))
        found = [ours.inside("parts", "graph.toml", "store", folder=folder)["resolve"] for _ in range(rounds)]
        resolve = sorted(found)[len(found) // 2]

        def touch(number: int, graph: Path = graph, text: str = text) -> None:
            graph.write_text(f"{text}\n# {number}\n", encoding="utf-8")

        whole = take_turns({"plan": ours.plan(folder)._replace(prepare=touch)}, rounds)["plan"]
        rows.append(
            Row(f"{what}: expand, key, look up", f"{items:,}", seconds(resolve), f"whole plan, read anew: {whole}",
                resolve, " s", _FAN_S)
        )  # fmt: skip
    return Section("Fan-out", rows)


def pricing(folder: Path, nodes: int, rounds: int) -> Section:
    """Measure what prices add to a plan."""
    folder.mkdir()
    found = ours.inside("pricing", str(nodes), str(rounds), folder=folder)
    rows = [
        Row(f"plan with prices / without: {name}", f"{nodes:,}", seconds(one["with"]), f"without: {seconds(one['without'])}",
            one["ratio"], "x", _PRICED_X)
        for name, one in found.items()
    ]  # fmt: skip
    return Section(
        "Prices in a plan", rows, ["file read, linked, keyed, looked up in an empty store; every node costs money"]
    )


def scheduling(folder: Path, nodes: int) -> Section:
    """Measure resolver and machine alone: every action is answered at once, nothing is stored."""
    folder.mkdir()
    write_dag(folder / "graph.toml", nodes)
    found = ours.inside("scheduling", "graph.toml", folder=folder)
    each = found["seconds"] / nodes * 1e6
    ours_text = f"{each:.0f} us a node, {found['machine_s'] / nodes * 1e6:.0f} of them in the machine's own steps"
    row = Row("resolver and machine, a node", f"{nodes:,}", ours_text, value=each, unit=" us", most=_SCHEDULING_US)
    return Section("Scheduling", [row], ["a driver that answers at once; keys are computed, no store, no threads"])


def makespan(folder: Path, graphs: int, seed: int) -> Section:
    """Measure how far simulated builds end from the bound that no schedule beats."""
    found = ours.inside("makespan", str(graphs), str(seed), folder=folder)
    rows = [
        Row(f"makespan / bound, durations {one['durations']}", f"{graphs} graphs, {one['slots']} slots",
            f"median {one['median']:.3f}, nine tenths {one['p90']:.3f}, worst {one['worst']:.3f}",
            value=one["median"], most=_MAKESPAN_X)
        for one in found["rows"]
    ]  # fmt: skip
    notes = [
        "bound: max(critical path, work / slots), which an optimal schedule does not always reach either",
        f"graphs of {found['smallest']} to {found['largest']} nodes, latencies spread around each kind's own, seed {seed}",
        "durations: known exactly; learnt from eight earlier results a kind; guessed, as in a first build",
        "one limit, the slots: limits of providers come with providers",
    ]
    return Section("Makespan under simulated latencies", rows, notes)


def blobs(folder: Path, size_mb: int, rounds: int) -> Section:
    """Measure bytes into the store and out of it."""
    folder.mkdir()
    found = ours.inside("blobs", str(size_mb), str(rounds), folder=folder)
    size = f"{size_mb} MB"

    def row(what: str, name: str, label: str, peer: str, most: float | None = None) -> Row:
        one = found[name]
        beside = f"{label}: {seconds(found[peer]['s'])}"
        return Row(what, size, seconds(one["s"]), beside, one[f"per {peer}"], "x", most)

    return Section(
        "Blobs",
        [
            row("take a file over (a node's result), durable", "adopt", "`sha256sum`", "sha256sum", _INGEST_X),
            row("copy a file in, durable", "ingest", "`sha256sum`", "sha256sum", _INGEST_X),
            row("copy a file in, durable", "ingest", "`cp` and `sync`, then `sha256sum`", "cp sync sha256sum"),
            row("place an output, verified and durable", "place", "`cp`", "cp"),
            row("place an output, verified and durable", "place", "`cp` and `sync`", "cp sync"),
        ],
        [
            f"peak memory of the process: {found['peak_mb']:.0f} MB",
            f"reflinks here: {'yes' if found['reflink'] else 'no'}",
        ],
    )
