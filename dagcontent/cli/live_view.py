"""Turn the state of a build into a picture on a terminal that is drawn again and again. Knows no store.

rich is imported when something is to be made: a build with nothing to do never shows a picture.
"""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final

from dagcontent.cli.columns import Cell, aligned, cells
from dagcontent.cli.names import grouped
from dagcontent.cli.progress import Failed, Progress, Running, stopping_words
from dagcontent.cli.screen import Screen, safe
from dagcontent.cli.words import cut, listed, seconds
from dagcontent.run.events import BuildFinished, BuildStarted, Event

if TYPE_CHECKING:
    from rich.live import Live
    from rich.text import Text

__all__ = ["LiveView"]

_PER_SECOND: Final = 8
_MOST_WAITING: Final = 6
_FRAME_LINES: Final = 5


class LiveView:
    """Shows a build while it runs, and nothing after it. Call it with every event; close it at the end.

    `start` gives the state once something is to be made: it reads the graph and plans it, which an unchanged one is
    spared.
    """

    def __init__(self, screen: Screen, start: Callable[[BuildStarted], Progress]) -> None:
        self._screen = screen
        self._start = start
        self._lock = threading.Lock()
        self._progress: Progress | None = None
        self._live: Live | None = None
        self._name = ""
        self._began = time.monotonic()

    def __call__(self, event: Event) -> None:
        """Take one event."""
        if isinstance(event, BuildStarted):
            if event.run:
                self._open(event)
        elif isinstance(event, BuildFinished):
            self.close()
        elif self._progress is not None:
            with self._lock:
                self._progress.take(event)

    def close(self) -> None:
        """Take the picture away. May be called twice."""
        live, self._live = self._live, None
        if live is not None:
            live.stop()

    def _open(self, event: BuildStarted) -> None:
        from rich.console import Console  # noqa: PLC0415 - see the module's text
        from rich.live import Live  # noqa: PLC0415

        self._name = event.graph
        self._began = time.monotonic()
        self._progress = self._start(event)
        console = Console(file=self._screen.main, width=self._screen.width(), highlight=False, markup=False)
        self._live = Live(
            get_renderable=self._drawn, console=console, refresh_per_second=_PER_SECOND, transient=True,
            redirect_stdout=False, redirect_stderr=False, vertical_overflow="crop",
        )  # fmt: skip
        self._live.start()

    def _drawn(self) -> Text:
        from rich.text import Text  # noqa: PLC0415 - as above

        with self._lock:
            lines = self.lines()
        return Text.from_ansi("\n".join(lines), no_wrap=True, end="")

    def lines(self) -> list[str]:
        """Return the picture as lines that fit the terminal."""
        progress = self._progress
        if progress is None:
            return []
        width = self._screen.width() - 1
        elapsed = time.monotonic() - self._began
        room = max(3, shutil.get_terminal_size((80, 24)).lines - _FRAME_LINES)
        rows = [self._failed(f) for f in progress.failed[-3:]]
        running = list(progress.running.values())[: max(1, room - len(rows) - 2)]
        rows += [self._running(one, elapsed, width) for one in running]
        left = room - len(rows) - 1
        waiting = progress.waiting_for(min(_MOST_WAITING, left)) if left > 0 else []
        rows += [self._waiting(name, above) for name, above in waiting]
        rest = progress.waiting - len(waiting)
        if rest > 0:
            rows.append(
                [("dim", f"{rest:,} more"), "", ("dim", "wait for their turn" if rest > 1 else "waits for its turn")]
            )
        for other in list(dict.fromkeys(progress.elsewhere.values()))[:1]:
            count = len(progress.elsewhere)
            rows.append(
                [
                    ("dim", f"{count} result{'s' * (count > 1)}"),
                    "",
                    ("dim", f"of another build that runs ({safe(other)})"),
                ]
            )
        return [
            *self._head(progress, elapsed, width),
            "",
            *aligned(rows, width, self._screen.style, shrink=(0, 1, 2), right=(3,)),
            "",
        ]

    def _head(self, progress: Progress, elapsed: float, width: int) -> list[str]:
        style = self._screen.style
        words = [
            f"running {len(progress.running)}",
            f"waiting {progress.waiting}",
            f"done {progress.done}/{progress.total}",
        ]
        if progress.failed:
            words.append(f"failed {len(progress.failed)}")
        clock = f"{int(elapsed) // 60}:{int(elapsed) % 60:02d}"
        money, rest = _money(progress), "   ".join(words)
        below: list[str] = []
        if money and len(rest) + len(money) + len(clock) + 8 + 9 <= width:
            words.append(money)
            rest = f"{rest}   {money}"
        elif money:
            below.append(f"  {cut(money, width - 2)}")
        if progress.stopping:
            below.append("  " + style("warning", cut(safe(f"stopping: {stopping_words(progress.awaited)}"), width - 2)))
        name = cut(safe(self._name), max(8, width - len(rest) - len(clock) - 6))
        gap = " " * max(3, width - cells(name) - len(rest) - len(clock) - 3)
        if progress.failed:
            words[3] = style("failed", words[3])
        return ["   ".join([style("head", name), *words]) + gap + clock, *below]

    def _running(self, one: Running, elapsed: float, width: int) -> Sequence[Cell]:
        bar = 30 if width > 100 else 16 if width > 70 else 0
        if one.stage:
            at = f", position {one.position}" if one.position is not None else ""
            state: Cell = ("run", safe(one.stage) + at)
        elif one.fraction is None:
            state = ("run", "at work" if one.attempt == 1 else f"attempt {one.attempt}")
        else:
            full = round(min(1.0, max(0.0, one.fraction)) * bar)
            done, empty = self._bar
            state = ("run", f"{done * full}{empty * (bar - full)} {min(99, int(one.fraction * 100)):3d} %".lstrip())
        return [("head", safe(one.node)), ("dim", safe(one.made_by)), state, seconds(max(0.0, elapsed - one.since_s))]

    @property
    def _bar(self) -> tuple[str, str]:
        encoding = (getattr(self._screen.main, "encoding", None) or "").lower().replace("-", "")
        return ("\u2501", "\u2500") if encoding == "utf8" else ("#", ".")

    @staticmethod
    def _waiting(name: str, above: Sequence[str]) -> Sequence[Cell]:
        return [("dim", safe(name)), "", ("dim", f"waits for {listed(grouped(above), 3)}")]

    @staticmethod
    def _failed(one: Failed) -> Sequence[Cell]:
        return [("failed", safe(one.node)), "", ("failed", f"{one.status}: {safe(one.error)}")]


def _money(progress: Progress) -> str:
    """Return "$0.233 spent  $0.560 reserved  of $2.00"; nothing where nothing is paid."""
    spent = progress.spent
    if spent is None:
        return ""
    from dagcontent.cli.money import dollars  # noqa: PLC0415 - most builds are free

    words = [f"{dollars(spent.spent_microusd) if spent.spent_microusd else '$0'} spent"]
    words += [f"{dollars(spent.reserved_microusd, up=True)} reserved"] if spent.reserved_microusd else []
    words += [f"of {dollars(spent.limit_microusd)}"] if spent.limit_microusd is not None else []
    return "  ".join(words)
