"""Run the benchmarks and print their table; `--write` keeps it in README.md. Knows no measurement itself.

Nothing here is a test: figures of one machine at one time, each beside something measured in the same run.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import film
import host
import inner
import rows
import scale
import startup
from graphs import SEED
from process import environment

HERE = Path(__file__).resolve().parent


class Sizes(NamedTuple):
    """How much is measured."""

    dag: tuple[int, ...]
    rounds: int
    start_rounds: int
    scenes: int
    fan: int
    scheduling: int
    graphs: int
    blob_mb: int
    film: str


FULL = Sizes((1_000, 10_000, 100_000), 5, 21, 8, 10_000, 10_000, 60, 256, "720x1280")
QUICK = Sizes((100, 1_000), 3, 5, 8, 1_000, 1_000, 10, 16, "360x640")
TINY = Sizes((10, 20), 1, 1, 1, 10, 20, 2, 1, "90x160")
_LARGE = 50_000
_ROUNDS_LARGE = 3


def main() -> None:
    """Measure what is asked for."""
    asked = _arguments()
    sizes = TINY if asked.tiny else QUICK if asked.quick else FULL
    if asked.sizes:
        sizes = sizes._replace(dag=tuple(sorted(int(n.replace("_", "")) for n in asked.sizes.split(","))))
    if asked.rounds:
        sizes = sizes._replace(rounds=asked.rounds)
    folder = Path(tempfile.mkdtemp(prefix="dagcontent-bench-", dir=asked.folder))
    began = time.monotonic()
    facts = [*host.describe(folder, HERE.parent), ("seed", str(SEED)), ("sizes", _worded(sizes))]
    sections: list[rows.Section] = []
    kept = environment(folder)
    os.environ.clear()
    os.environ.update(kept)
    try:
        scale.warm_up(folder / "warm")
        for name, section in _sections(folder, sizes):
            if not asked.only or name in asked.only.split(","):
                print(f"{time.monotonic() - began:.0f} s: {name}", file=sys.stderr, flush=True)
                for one in section():
                    sections.append(one)
                    print(rows.markdown([], [one]), flush=True)
    finally:
        if not asked.keep:
            shutil.rmtree(folder, ignore_errors=True)
    facts.append(("took", f"{time.monotonic() - began:.0f} s"))
    print(rows.markdown(facts, []))
    for line in rows.drifted(HERE / "baseline.json", sections):
        print(line)
    if asked.write:
        rows.write_readme(HERE / "README.md", rows.markdown(facts, sections))
        rows.keep_baseline(HERE / "baseline.json", facts, sections)


def _sections(folder: Path, sizes: Sizes) -> Iterator[tuple[str, Callable[[], Iterator[rows.Section]]]]:
    """Yield each part of the benchmarks by the name that `--only` takes."""

    def one(measure: Callable[[], rows.Section]) -> Callable[[], Iterator[rows.Section]]:
        return lambda: iter([measure()])

    yield "startup", one(lambda: startup.startup(folder, sizes.start_rounds))
    yield "scenes", one(lambda: startup.scenes(folder / "scenes", sizes.scenes, sizes.rounds))
    yield "scale", lambda: _scale(folder, sizes)
    yield "fanout", one(lambda: inner.fan_out(folder / "fan", sizes.fan, sizes.rounds))
    yield "pricing", one(lambda: inner.pricing(folder / "pricing", sizes.fan, sizes.rounds))
    yield "scheduling", one(lambda: inner.scheduling(folder / "scheduling", sizes.scheduling))
    yield "makespan", one(lambda: inner.makespan(folder, sizes.graphs, SEED))
    yield "film", one(lambda: film.film(folder / "film", sizes.film, sizes.rounds))
    yield "sides", one(lambda: film.sides(folder / "sides", sizes.film, sizes.rounds))
    yield "blobs", one(lambda: inner.blobs(folder / "blobs", sizes.blob_mb, sizes.rounds))


def _scale(folder: Path, sizes: Sizes) -> Iterator[rows.Section]:
    before: scale.Measured | None = None
    for nodes in sizes.dag:
        rounds = min(sizes.rounds, _ROUNDS_LARGE) if nodes > _LARGE else sizes.rounds
        measured = scale.measure(folder / f"dag-{nodes}", nodes, rounds, before)
        yield measured.section
        if before is not None:
            yield scale.growth(before, measured)
            shutil.rmtree(folder / f"dag-{before.nodes}", ignore_errors=True)
        before = measured


def _worded(sizes: Sizes) -> str:
    dag = ", ".join(f"{n:,}" for n in sizes.dag)
    return f"{dag} nodes; {sizes.rounds} rounds in turns ({_ROUNDS_LARGE} above {_LARGE:,} nodes); medians"


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Measure dagcontent beside its peers.")
    parser.add_argument("--quick", action="store_true", help="small sizes: a minute instead of half an hour")
    parser.add_argument("--tiny", action="store_true", help="sizes that say nothing: whether the benchmarks work")
    parser.add_argument("--sizes", metavar="N,N", help="numbers of nodes, as 1000,10000")
    parser.add_argument(
        "--only",
        metavar="PART,PART",
        help="startup, scenes, scale, fanout, pricing, scheduling, makespan, film, sides, blobs",
    )
    parser.add_argument("--rounds", type=int, metavar="N", help="how often all take their turn, start-up aside")
    parser.add_argument("--write", action="store_true", help="keep the table in README.md and the baseline beside it")
    parser.add_argument("--folder", metavar="DIR", help="where to work (default: the system's temporary folder)")
    parser.add_argument("--keep", action="store_true", help="leave what was made for the measurements")
    return parser.parse_args()


if __name__ == "__main__":
    main()
