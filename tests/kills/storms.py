"""Many processes over one store, killed at random until all is bought. Knows no wire and no promise."""

from __future__ import annotations

import contextlib
import os
import random
import shutil
import signal
import threading
import time
from collections import Counter
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from kills.zygote import Child, Zygote
from oracle.builds import new_folder

from dagcontent.testing.vendors.client import FakeVendors

__all__ = ["GRAPH", "RECOVERABLE", "Storm", "keys_of"]

GRAPH = """
[graph]
name = "storm"
[each]
chat = { from = 1, to = CHATS }
image = { from = 1, to = IMAGES }
asked = { from = 1, to = ASKED }
[node.words]
kind = "text.generate"
each = "chat"
model = "openai/gpt-6-luna"
prompt = "Line ${chat}"
max_tokens = 16
[node.still]
kind = "image.generate"
each = "image"
model = "fal/fal-ai/flux/schnell"
prompt = "Picture ${image}"
size = "64x64"
[node.more]
kind = "text.generate"
each = "asked"
model = "openrouter/openai/gpt-6-luna"
prompt = "Verse ${asked}"
max_tokens = 16
"""
RECOVERABLE = {("openai", "chat"), ("fal", "submit")}
_BOUNDS = {"send_s": 3.0, "inflight_s": 1.0, "list_lag_s": 0.3, "poll_s": 0.02, "poll_most_s": 0.2, "answer_s": 60.0}
_TRIES_MOST = 10_000


def keys_of(keys: int) -> dict[tuple[str, str], int]:
    """Return how many keys of each kind a storm has: two in five by mark, two in five by match, one in five blind."""
    asked = keys // 5
    chats = (keys - asked) // 2
    return {("openai", "chat"): chats, ("fal", "submit"): keys - asked - chats, ("openrouter", "chat"): asked}


class Storm:
    """One store, one graph, vendors. Use it as a context."""

    def __init__(self, keys: int, *, seed: int, concurrency: int = 8) -> None:
        self.keys = keys_of(keys)
        self.chance = random.Random(seed)
        self.kills = 0
        self.builds: Counter[str] = Counter()
        self.complaints: list[str] = []
        self._concurrency = concurrency
        self._running: dict[int, Child] = {}
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        self.folder = new_folder()
        chats, images, asked = self.keys.values()
        small = (
            GRAPH.replace("Picture", "Warm picture").replace("CHATS", "1").replace("IMAGES", "1").replace("ASKED", "1")
        )
        whole = GRAPH.replace("CHATS", str(chats)).replace("IMAGES", str(images)).replace("ASKED", str(asked))
        (self.folder / "graph.toml").write_text(whole, encoding="utf-8")
        self.vendors = FakeVendors()
        self.vendors.start()
        self.zygote = Zygote(small, self.vendors).__enter__()
        # What warmed the zygote up stays in the list: an empty one proves nothing. Its keys are others' by their store.
        self.before = len(self.vendors.ledger())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.zygote.__exit__(kind, error, trace)
        self.vendors.__exit__(kind, error, trace)
        shutil.rmtree(self.folder)

    def command(self, **more: Any) -> dict[str, Any]:
        return {
            "graph": str(self.folder / "graph.toml"), "store": str(self.folder / "store"),
            "vendors": self.vendors.base_urls, "bounds": _BOUNDS, "concurrency": self._concurrency, **more,
        }  # fmt: skip

    def rage(self, processes: int, kills: int) -> None:
        """Build with so many processes at once, each begun anew when it is killed; kill while things are bought."""
        crew = [threading.Thread(target=self._work, args=(number,)) for number in range(processes)]
        for one in crew:
            one.start()
        total = sum(self.keys.values())
        for number in range(kills):
            due = self.before + total * number // (kills + 1)
            end = time.monotonic() + self.chance.uniform(0.5, 1.5)
            while any(one.is_alive() for one in crew) and self._charged() < due and time.monotonic() < end:
                time.sleep(0.005)
            time.sleep(self.chance.uniform(0, 0.02))  # where within a step, chance says
            self._kill_one()
        for one in crew:
            one.join()

    def finished(self) -> dict[str, Any]:
        """Build once more, and look at the store."""
        return self.zygote.ask(**self.command(do="finish"))

    def charges(self) -> tuple[Counter[tuple[str, str]], Counter[str]]:
        """Return how many charges each vendor made, and how many each prompt was charged."""
        made = self.vendors.ledger()[self.before :]
        said = {r["body"]: str(r.get("json")) for r in self.vendors.requests() if r["method"] == "POST" and "body" in r}
        prompts = Counter(_prompt(said[charge.body]) for charge in made)
        return Counter((charge.vendor, charge.operation) for charge in made), prompts

    def _charged(self) -> int:
        path: Path = self.vendors.ledger_path
        return path.read_bytes().count(b"\n")

    def _work(self, number: int) -> None:
        for tried in range(_TRIES_MOST):
            child = self.zygote.start(**self.command(do="build", seed=number * 1000 + tried))
            with self._lock:
                self._running[number] = child
            said = child.end()
            with self._lock:
                del self._running[number]
            if "Traceback" in child.stderr:
                self.complaints.append(child.stderr)
            child.stderr_path.unlink()
            if said is None:
                continue
            self.builds[said["status"]] += 1
            if said["status"] in {"ok", "unresolved"}:
                return
            self.complaints.append(str(said))
            return

    def _kill_one(self) -> None:
        with self._lock:
            if not self._running:
                return
            child = self._running[self.chance.choice(sorted(self._running))]
            with contextlib.suppress(ProcessLookupError):
                os.kill(child.pid, signal.SIGKILL)
                self.kills += 1


def _prompt(said: str) -> str:
    """Return the prompt within a request's JSON."""
    for word in ("Line ", "Picture ", "Verse "):
        if word in said:
            return word + "".join(c for c in said.split(word)[1][:6] if c.isdigit())
    return said
