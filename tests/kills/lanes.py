"""One build at a time into what became of it: a folder, a vendor and a ledger of its own. Knows what is done to a child.

Lanes run side by side over one zygote. Each has fake vendors of its own, so what their ledger holds after a point is that
point's.
"""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import Any, Self, TypeVar

from kills.cases import Case
from kills.tracing import Point, Record, attached
from kills.zygote import BOUNDS, Child, Zygote
from oracle.builds import new_folder
from oracle.customers import buy_earlier

from dagcontent.testing.vendors.client import FakeVendors
from dagcontent.testing.vendors.ledger import Charge

__all__ = ["Lane", "Lanes"]

T = TypeVar("T")
_SETTLE_S = 3.0


class Lane:
    """A place where one build after the other is disturbed and repaired."""

    def __init__(self, zygote: Zygote, case: Case, vendors: FakeVendors) -> None:
        self.zygote, self.case, self.vendors = zygote, case, vendors
        self.folder = new_folder()
        self.late = False
        self.before = 0

    def close(self) -> None:
        shutil.rmtree(self.folder)

    def anew(self) -> None:
        """Begin with nothing bought."""
        shutil.rmtree(self.folder)
        self.folder.mkdir()
        (self.folder / "graph.toml").write_text(self.case.graph, encoding="utf-8")
        self.vendors.reset()
        buy_earlier(self.vendors, {vendor for vendor, _ in self.case.charges.values()})
        self.before = len(self.vendors.ledger())
        if self.late:  # within its bounds
            self.vendors.set(listing_s=0.2, job_s=0.1)
            self.vendors.set_faults(
                [
                    {"fault": "delay", "at": "registering", "seconds": 0.4, "vendor": vendor, "operation": operation}
                    for vendor, operation in self.case.charges.values()
                ]
            )

    def command(self, **more: Any) -> dict[str, Any]:
        return {
            "graph": str(self.folder / "graph.toml"), "store": str(self.folder / "store"),
            "vendors": self.vendors.base_urls, "bounds": BOUNDS, **more,
        }  # fmt: skip

    def record(self) -> Record:
        """Trace an undisturbed build."""
        self.anew()
        log = self.folder / "trace"
        child = self.zygote.start(**self.command(do="build", hold=["child.began", 1], mark=True))
        assert child.line() == {"held": "child.began"}
        with attached(child.pid, *Record.WHAT, log=log):
            child.go_on()
            said = child.end()
        assert said is not None
        assert said["status"] == "ok", said
        return Record(log)

    def disturbed(self, point: Point, *what: str, **more: Any) -> tuple[dict[str, Any] | None, Child]:
        """Build, and have strace do something from a point on; return what the build said, None if it died."""
        child = self.held(point.hold, point.nth, **more)
        if not child.is_held:
            child.close()
            return child.said, child
        with attached(child.pid, *what):
            child.go_on()
            said = child.end()
        return said, child

    def held(self, point: str, nth: int = 1, **more: Any) -> Child:
        """Build up to a crash point; the child waits there. It may have ended without coming to it."""
        self.anew()
        child = self.zygote.start(**self.command(do="build", hold=[point, nth], **more))
        child.said = child.line()
        return child

    def finished(self, **more: Any) -> tuple[dict[str, Any], str, list[Charge]]:
        """Build twice, undisturbed; return what was said, what was on standard error, and what all of it cost."""
        child = self.zygote.start(**self.command(do="finish", **more))
        said = child.end()
        assert said is not None, child.stderr
        self._settle()
        return said, child.stderr, self.vendors.ledger()[self.before :]

    def _settle(self) -> None:
        """Wait until what came whole has been charged: a vendor may be late, and its client dead."""
        wanted = set(self.case.charges.values())
        end = time.monotonic() + _SETTLE_S
        while time.monotonic() < end:
            came = [r for r in self.vendors.requests() if r["method"] == "POST" and r["complete"]]
            if len(self.vendors.ledger()) >= sum((r["vendor"], r["operation"]) in wanted for r in came):
                return
            time.sleep(0.02)


class Lanes:
    """Several lanes of one case. Use them as a context."""

    def __init__(self, case: Case, count: int, *, late: bool = False, disk_mib: int = 0) -> None:
        self._case, self._count, self._late, self._disk_mib = case, count, late, disk_mib

    def __enter__(self) -> Self:
        self._vendors = [FakeVendors() for _ in range(self._count)]
        for one in self._vendors:
            one.start()
        self._zygote = Zygote(self._case.graph, self._vendors[0], disk_mib=self._disk_mib).__enter__()
        self.lanes = [Lane(self._zygote, self._case, one) for one in self._vendors]
        for lane in self.lanes:
            lane.late = self._late
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._zygote.__exit__(kind, error, trace)
        for lane in self.lanes:
            lane.close()
            lane.vendors.__exit__(kind, error, trace)

    def each(self, things: Sequence[Any], do: Callable[[Lane, Any], T]) -> list[T]:
        """Do something with each, on whichever lane is free; the first error ends it."""
        waiting: Iterator[Any] = iter(things)
        lock = threading.Lock()
        made: list[T] = []

        def work(lane: Lane) -> None:
            while True:
                with lock:
                    thing = next(waiting, None)
                if thing is None:
                    return
                made.append(do(lane, thing))

        with ThreadPoolExecutor(len(self.lanes)) as pool:
            for future in [pool.submit(work, lane) for lane in self.lanes]:
                future.result()
        return made
