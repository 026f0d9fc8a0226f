"""Commands into samples: wall time, processor time and memory of whole processes, in turns. Knows no command's meaning.

The parent stays small on purpose: a child's peak memory is never reported below that of the process that started it.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

__all__ = ["Command", "Sample", "Timed", "environment", "ratio", "run_once", "seconds", "take_turns"]


class Command(NamedTuple):
    """What is timed. `prepare` is called with the number of the round before each start, outside the time."""

    argv: Sequence[str]
    folder: Path
    prepare: Callable[[int], None] | None = None
    codes: tuple[int, ...] = (0,)


class Sample(NamedTuple):
    """One process: wall and processor time in seconds, peak memory in MB."""

    wall_s: float
    cpu_s: float
    peak_mb: float


class Timed(NamedTuple):
    """All samples of one command, in the order of the rounds."""

    samples: tuple[Sample, ...]

    @property
    def wall_s(self) -> float:
        """Median of the wall time."""
        return statistics.median(s.wall_s for s in self.samples)

    @property
    def cpu_s(self) -> float:
        """Median of the processor time."""
        return statistics.median(s.cpu_s for s in self.samples)

    @property
    def peak_mb(self) -> float:
        """Largest peak of memory."""
        return max(s.peak_mb for s in self.samples)

    def __str__(self) -> str:
        return f"{seconds(self.wall_s)} (cpu {seconds(self.cpu_s)})"


def environment(folder: Path) -> dict[str, str]:
    """Return the environment of everything that is measured: nobody's settings for Python, and modules compiled once.

    Whoever sets PYTHONDONTWRITEBYTECODE would measure the compiler, and with it nothing that a user meets.
    """
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "DAGCONTENT_"))}
    return kept | {"PYTHONPYCACHEPREFIX": str(folder / "pycache")}


def run_once(command: Command, number: int = 0) -> Sample:
    """Start a command and wait for its end. Raises RuntimeError for an exit code that is not expected."""
    if command.prepare is not None:
        command.prepare(number)
    errors = command.folder / "stderr.txt"
    with errors.open("wb") as stderr:
        began = time.perf_counter()
        process = subprocess.Popen(
            command.argv, cwd=command.folder, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=stderr,
        )  # fmt: skip
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode not in command.codes:
        said = errors.read_text(errors="replace")[-2000:]
        text = f"{' '.join(command.argv)} ended with {process.returncode}:\n{said}"
        raise RuntimeError(text)
    return Sample(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


def take_turns(commands: Mapping[str, Command], rounds: int) -> dict[str, Timed]:
    """Run all commands once in each round, A B A B: what slows the machine down meanwhile slows all of them."""
    found: dict[str, list[Sample]] = {name: [] for name in commands}
    for number in range(rounds):
        for name, command in commands.items():
            found[name].append(run_once(command, number))
    return {name: Timed(tuple(samples)) for name, samples in found.items()}


def ratio(one: Timed, other: Timed) -> float:
    """Return the median over the rounds of how many times longer `one` took than `other` in the same round."""
    return statistics.median(a.wall_s / b.wall_s for a, b in zip(one.samples, other.samples, strict=True))


def seconds(value: float) -> str:
    """Return a time with three digits that matter."""
    return f"{value:.3f} s" if value < 1 else f"{value:.2f} s" if value < 10 else f"{value:.1f} s"
