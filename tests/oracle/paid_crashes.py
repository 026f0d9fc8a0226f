"""A paid build, killed, and the builds after it: what must hold whatever the moment was. Knows `paid/crash_server.py`."""

from __future__ import annotations

import shutil
import signal
from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from oracle.crashes import Server
from oracle.customers import buy_earlier
from oracle.paid import new_folder, put_inputs

from dagcontent.testing.vendors.client import BOUNDS, FakeVendors

__all__ = ["SMALL", "Lane", "lanes"]

_SERVER = Path(__file__).parents[1] / "paid" / "crash_server.py"
_BOUNDS: Mapping[str, float] = {**BOUNDS, "answer_s": 30.0, "send_s": 1.0, "inflight_s": 0.4, "list_lag_s": 0.1}

_HEAD = 12

SMALL = """
[graph]
name = "small"
[node.words]
kind = "text.generate"
model = "openrouter/anthropic/claude-sonnet-5.5"
prompt = "A lantern at dusk, in a sentence"
returns = { picture = "text", line = "text" }
max_tokens = 200
[node.still]
kind = "image.generate"
model = "fal/fal-ai/flux/dev"
prompt = "${words.picture}"
size = "64x64"
output = "still"
[node.voice]
kind = "speech.generate"
model = "elevenlabs/eleven_multilingual_v2"
voice = "Rachel"
text = "${words.line}"
output = "voice"
[node.clip]
kind = "video.generate"
model = "openrouter/google/veo-3.1-lite"
prompt = "It is lit"
start_image = "${still}"
duration = 4
output = "clip"
[node.line]
kind = "text.template"
text = "${words.line} (${voice.duration} s)"
output = "line"
"""
"""A call that nobody finds again, a job in a queue, a call that is found in a history, a long job; each what another needs."""


class Lane:
    """A fork server and vendors of its own, for one graph in one place: what the ledger holds is this build's."""

    def __init__(self, text: str, params: Mapping[str, str] | None = None) -> None:
        self.folder = new_folder()
        self._params = params
        self._text = text
        self._server = Server(_SERVER)
        self.vendors = FakeVendors()
        self.expected: dict[str, bytes] = {}
        self.charged: Counter[str] = Counter()
        self.points: list[tuple[str, int]] = []

    def __enter__(self) -> Self:
        self._server.__enter__()
        self.vendors.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.vendors.__exit__(kind, error, trace)
        self._server.__exit__(kind, error, trace)
        shutil.rmtree(self.folder)

    def begin(self) -> None:
        """Put everything as it stands before the first build."""
        shutil.rmtree(self.folder)
        self.folder.mkdir()
        put_inputs(self.folder)
        (self.folder / "graph.toml").write_text(self._text, encoding="utf-8")
        self.vendors.reset()
        buy_earlier(self.vendors, {name for name in self.vendors.base_urls if f'"{name}/' in self._text})

    def build(self, at: tuple[str, int] | None = None) -> dict[str, Any]:
        """Build, to the end or to its kill."""
        return self._server.ask(
            graph=str(self.folder / "graph.toml"), store=str(self.folder / "store"), params=self._params,
            base_urls=self.vendors.base_urls, bounds=dict(_BOUNDS), at=at,
        )  # fmt: skip

    def undisturbed(self) -> None:
        """Learn what a build makes that nothing disturbs, and which points it passes."""
        self.begin()
        said = self.build()
        assert said.get("exit") == 0, said
        assert said["made"]["status"] == "ok", said
        self.expected, self.charged = self.outputs(), self._charges()
        self.points = [(name, nth) for name, nth in said["made"]["spread"]]

    def outputs(self) -> dict[str, bytes]:
        """Return every file of the output folder; of a film its beginning, as the rest is told apart by its job."""
        out = self.folder / "out"
        found = {str(path.relative_to(out)): path for path in sorted(out.rglob("*")) if path.is_file()}
        return {name: path.read_bytes()[: _HEAD if path.suffix == ".mp4" else None] for name, path in found.items()}

    def killed(self, at: tuple[str, int]) -> tuple[bool, list[str]]:
        """Kill a build at a point, then build twice; return whether it was killed, and every promise that is broken."""
        self.begin()
        was = self.build(at).get("signal") == signal.SIGKILL
        whole = self.sealed()
        said = [self.build(), self.build()]
        if any(one.get("exit") != 0 for one in said):
            return was, [f"the build after it ended so: {said}"]
        first, second = (one["made"] for one in said)
        charges = self._charges()
        wrong = [f"charged {charges[what]} times: {what}" for what in self.charged_more()]
        wrong += first["problems"] + second["problems"]
        wrong += [f"a person is asked about the whole answer of {one}" for one in whole & set(first["unresolved"])]
        if first["status"] == "ok":
            if second["status"] != "ok" or set(second["nodes"].values()) - {"hit", "cutoff"}:
                wrong.append(f"made again: {second}")
            if self.outputs() != self.expected:
                wrong.append("the outputs are others")
            if charges != self.charged:
                wrong.append(f"charged: {charges}")
            return was, wrong
        unresolved = {node for node, status in first["nodes"].items() if status == "unresolved"}
        asked = {node for node, state, recovery in first["attempts"] if (state, recovery) == ("unresolved", "ask")}
        if first["status"] != "unresolved" or not unresolved or unresolved != asked:
            wrong.append(f"{first['status']}: {first['nodes']} {first['errors']}")
        if (second["status"], second["attempts"]) != (first["status"], first["attempts"]):
            wrong.append(f"another end: {second}")
        if not was:
            wrong.append("nobody disturbed it")
        return was, wrong

    def sealed(self) -> set[str]:
        """Return the attempts whose whole answer lies in the spool."""
        found = (self.folder / "store" / "spool").glob("*.answer.seal")
        return {path.name.partition(".")[0] for path in found}

    def charged_more(self) -> dict[str, int]:
        """Return what was charged more often than in an undisturbed build, and by how much."""
        return {what: n - self.charged[what] for what, n in self._charges().items() if n > self.charged[what]}

    def _charges(self) -> Counter[str]:
        return Counter(f"{c.vendor} {c.operation} {c.model}" for c in self.vendors.charges())


def lanes(
    text: str, params: Mapping[str, str] | None, chosen: Sequence[str] | None, most: int, *, part: int = 0, parts: int = 1,
    count: int = 2,
) -> tuple[int, Counter[str], dict[str, list[str]]]:  # fmt: skip
    """Kill at up to `most` points of a build (every name in turn; only those that begin so, where `chosen`); return how many
    were killed, how often at which name, and what was broken.
    """
    made = [Lane(text, params) for _ in range(count)]
    names: Counter[str] = Counter()
    broken: dict[str, list[str]] = {}
    killed = 0
    with ThreadPoolExecutor(count) as pool:
        for lane in made:
            lane.__enter__()
        try:
            list(pool.map(Lane.undisturbed, made))
            points = [at for at in made[0].points if chosen is None or at[0].startswith(tuple(chosen))][part::parts][
                :most
            ]
            shares = [points[n::count] for n in range(count)]

            def through(number: int) -> list[tuple[tuple[str, int], bool, list[str]]]:
                return [(at, *made[number].killed(at)) for at in shares[number]]

            for at, was, wrong in (row for rows in pool.map(through, range(count)) for row in rows):
                killed += was
                names[at[0]] += was
                if wrong:
                    broken[f"{at[0]} {at[1]}"] = wrong
        finally:
            for lane in made:
                lane.__exit__(None, None, None)
    return killed, names, broken
