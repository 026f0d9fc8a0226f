"""Processes that are stopped, and builds that are told to stop: nothing is sent late, nothing is sent any more, all is found."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from kills.cases import Case, judge
from kills.lanes import Lanes
from kills.zygote import BOUNDS

from dagcontent.testing.vendors.client import FakeVendors

STILL = Case(
    """
[graph]
name = "stopped"
[node.still]
kind = "image.generate"
model = "fal/fal-ai/flux/schnell"
prompt = "A small boat"
size = "64x64"
output = "still"
""",
    {"still": ("fal", "submit")},
)
SEND_S = 0.5
SLACK_MS = 400  # from what our clock said to what the vendor's says, on a busy machine


def until(condition: Callable[[], bool], within_s: float = 30.0) -> None:
    """Wait for something that must come."""
    end = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < end, "it did not come"
        time.sleep(0.005)


def is_stopped(pid: int) -> bool:
    return Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(") ")[2].startswith("T")


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="whether a process is stopped is read from /proc")
@pytest.mark.parametrize("point", ["paid.before-intent", "attempt.intended", "db.before-commit", "paid.intended"])
def test_a_process_that_slept_through_its_deadline_sends_nothing(point: str) -> None:
    """Stopped between its intent and its send for longer than it may take: it wakes, and begins anew or gives up. Another
    build of the same graph waits meanwhile, for whoever sleeps is not dead.
    """
    bounds = {**BOUNDS, "send_s": SEND_S}
    nth = 3 if point == "db.before-commit" else 1  # the run, its claims, the intent
    with Lanes(STILL, 1) as lanes:
        lane = lanes.lanes[0]
        lane.anew()
        first = lane.zygote.start(**lane.command(do="build", stop=[point, nth], bounds=bounds))
        until(lambda: is_stopped(first.pid))
        stopped = time.monotonic()
        second = lane.zygote.start(**lane.command(do="build", bounds=bounds))
        until(lambda: time.monotonic() > stopped + 2 * SEND_S or len(lane.vendors.ledger()) > lane.before)
        assert len(lane.vendors.ledger()) == lane.before, "sent by one who sleeps, or in its place"
        os.kill(first.pid, signal.SIGCONT)
        ends = [first.end(), second.end()]
        told, stderr, charges = lane.finished()
        posts = lane.vendors.requests("fal", "submit")
        stderr += first.stderr + second.stderr
    assert all(end is not None and end["status"] in {"ok", "failed"} for end in ends), ends
    assert judge(STILL, told, charges, stderr=stderr).wrong == []
    assert len(posts) == 1
    sent = [one for one in told["attempts"] if one["state"] == "committed"]
    assert len(sent) == 1
    assert sent[0]["at_ms"] <= posts[0]["at"] <= sent[0]["send_by_ms"] + SLACK_MS
    if point != "paid.before-intent":
        assert [one["state"] for one in told["attempts"] if one is not sent[0]] == ["released"] * (
            len(told["attempts"]) - 1
        )


FILM = """
[graph]
name = "film"
[each]
scene = ["dusk", "dawn"]
[node.script]
kind = "text.generate"
each = "scene"
model = "openrouter/openai/gpt-6-luna"
prompt = "One line about ${scene}"
max_tokens = 40
[node.still]
kind = "image.generate"
each = "scene"
model = "fal/fal-ai/flux/schnell"
prompt = "${script[scene]}"
size = "64x64"
output = "stills/${label.scene}"
[node.voice]
kind = "speech.generate"
each = "scene"
model = "elevenlabs/eleven_multilingual_v2"
voice = "Rachel"
text = "${script[scene]}"
output = "voices/${label.scene}"
"""
SENDS = {"chat", "submit", "speech"}
NOTICED_MS = 300
"""How long after a signal a request may come that was on its way when it struck."""


class Film:
    """A film that is built by the command line, and told to stop."""

    def __init__(self, folder: Path, vendors: FakeVendors) -> None:
        self.folder, self.vendors = folder, vendors
        (folder / "graph.toml").write_text(FILM, encoding="utf-8")
        (folder / "config" / "dagcontent").mkdir(parents=True)
        config = vendors.config_toml({**BOUNDS, "answer_s": 20})
        (folder / "config" / "dagcontent" / "config.toml").write_text(config, encoding="utf-8")

    def start(self) -> subprocess.Popen[str]:
        folders = {f"XDG_{name}_HOME": str(self.folder / name.lower()) for name in ("CONFIG", "DATA", "CACHE", "STATE")}
        return subprocess.Popen(
            [sys.executable, "-m", "dagcontent", "build", "graph.toml", "--yes", "--allow-unpriced", "--json"],
            cwd=self.folder, env={**os.environ, **self.vendors.environment, **folders, "HOME": str(self.folder)},
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip

    def interrupt(self, process: subprocess.Popen[str], within_s: float) -> None:
        """Press Ctrl-C once; hold what the build does then against what it promises."""
        struck_ms = time.time_ns() // 10**6
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=within_s)
        assert process.returncode == 130, (process.returncode, out, err)
        assert "Traceback" not in err, err
        late = [r for r in self.sends() if r["at"] > struck_ms + NOTICED_MS]
        assert not late, late

    def sends(self) -> list[dict[str, Any]]:
        return [r for r in self.vendors.requests() if r["method"] == "POST" and r["operation"] in SENDS]

    def finish(self) -> dict[str, Any]:
        """Build to the end; nothing may have been paid twice."""
        process = self.start()
        out, err = process.communicate(timeout=60)
        assert process.returncode == 0, (out, err)
        counts = [charge.operation for charge in self.vendors.ledger()]
        assert {name: counts.count(name) for name in SENDS} == dict.fromkeys(SENDS, 2)
        assert len(counts) == 6
        assert self.vendors.errors() == []
        made: dict[str, Any] = json.loads(out)
        return made


@pytest.fixture
def film(tmp_path: Path) -> Iterator[Film]:
    with FakeVendors() as vendors:
        yield Film(tmp_path, vendors)


@pytest.mark.slow
def test_ctrl_c_awaits_calls_that_would_be_lost_and_sends_nothing_more(film: Film) -> None:
    """While scripts are written, which nobody could fetch later: their answers are taken, and what hangs on them is left."""
    film.vendors.set_faults([{"fault": "delay", "at": "replying", "operation": "chat", "seconds": 1.0}])
    process = film.start()
    until(lambda: len(film.vendors.charges("openrouter")) == 2)
    film.interrupt(process, within_s=20)
    assert len(film.vendors.ledger()) == 2
    assert film.finish()["counts"]["hit"] == 2


@pytest.mark.slow
def test_ctrl_c_leaves_jobs_to_go_on_at_their_vendor(film: Film) -> None:
    """While stills are made: the build is over at once, and the next one finds them by their ids."""
    film.vendors.set(job_s=6.0)
    process = film.start()
    until(lambda: len(film.vendors.charges("fal")) == 2)
    film.interrupt(process, within_s=4.0)
    film.finish()


@pytest.mark.sweep
@pytest.mark.parametrize("seed", range(40))
def test_ctrl_c_at_any_moment_costs_nothing_twice(film: Film, seed: int) -> None:
    """At random moments, several times over, until a build comes to its end."""
    chance = random.Random(seed)
    film.vendors.set(job_s=0.5)
    film.vendors.set_faults([{"fault": "delay", "at": "replying", "operation": "chat", "seconds": 0.3}])
    for _ in range(3):
        process = film.start()
        begun = len(film.sends())
        until(lambda: len(film.sends()) > begun or process.poll() is not None)  # noqa: B023 - asked at once
        wake = time.monotonic() + chance.uniform(0, 1.5)
        until(lambda: time.monotonic() > wake or process.poll() is not None)  # noqa: B023 - as above
        if process.poll() is not None:
            process.communicate()
            break
        film.interrupt(process, within_s=20)
    film.finish()
