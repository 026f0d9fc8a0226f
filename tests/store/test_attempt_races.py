from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from dagcontent.store import ClaimLost, Run, new_attempt_id, open_store
from dagcontent.values.attempt import AttemptState, Intent
from dagcontent.values.canonical import Encoder
from dagcontent.values.money import Cap
from dagcontent.values.record import Done, FailedCharged, Manifest, Record, action_key

S = AttemptState
NOW = 1_763_800_000_000
DAY_MS = 86_400_000
MakeRecord = Callable[..., Record]
MakeIntent = Callable[..., Intent]


def record_of(number: int, *, failed: bool = False) -> Record:
    """A record that verifies."""
    manifest = Manifest("image.generate", 1, {"prompt": f"scene {number}"}, model="fal/flux")
    outcome = FailedCharged("blocked", "moderated") if failed else Done("x")
    return Record(action_key(manifest, Encoder()), manifest, outcome, {}, "run", NOW)


def intent_of(record: Record, run: Run, **fields: object) -> Intent:
    """Its intent."""
    at_ms = fields.get("at_ms", NOW)
    assert isinstance(at_ms, int)
    rest: dict[str, object] = {
        "attempt": new_attempt_id(at_ms), "key": record.key, "run": run.id, "graph": run.graph, "instance": "still",
        "provider": "fal", "realm": "", "account": "a", "operation": "queue", "model": "m", "kind": "image.generate",
        "recovery": "ask", "marker": "", "payload_digest": "", "reserved_microusd": 1, "at_ms": at_ms,
        "send_by_ms": at_ms, "manifest": None, "request": None, **fields,
    }  # fmt: skip
    return Intent(**rest)  # type: ignore[arg-type]


RACER = """
import sys
from pathlib import Path
from dagcontent.errors import OverBudget
from dagcontent.store import ClaimLost, new_attempt_id, open_store
from dagcontent.values.attempt import Intent
from dagcontent.values.money import Cap
store = open_store(Path(sys.argv[1]))
run = store.start_run("g", now_ms=1)
keys = sys.argv[2].split(",")
print("ready", flush=True)
sys.stdin.readline()
said = []
for key in keys:
    intent = Intent(attempt=new_attempt_id(1), key=key, run=run.id, graph="g", instance="n", provider="p", realm="",
                    account="", operation="", model="", kind="", recovery="", marker="", payload_digest="",
                    reserved_microusd=1, at_ms=1, send_by_ms=1, manifest=None, request=None)
    store.claim_many([key], run).result()
    try:
        store.attempts.intend(intent, [Cap("graph", "g", int(sys.argv[3]))]).result()
        said.append("got")
    except ClaimLost:
        said.append("lost")
    except OverBudget:
        said.append("broke")
print(" ".join(said), flush=True)
sys.stdin.readline()
"""


def race(root: Path, keys: list[list[str]], limit: int) -> list[list[str]]:
    """Let processes intend at once; return what each of them came to, key by key."""
    open_store(root).close()
    racers = [
        subprocess.Popen(
            [sys.executable, "-c", RACER, str(root), ",".join(own), str(limit)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env={"PYTHONPATH": ":".join(sys.path)},
        )
        for own in keys
    ]  # fmt: skip
    try:
        for one in racers:
            assert one.stdout is not None
            assert one.stdout.readline() == "ready\n"
        for one in racers:
            assert one.stdin is not None
            one.stdin.write("go\n")
            one.stdin.flush()
        return [(one.stdout.readline() if one.stdout is not None else "").split() for one in racers]
    finally:
        for one in racers:
            one.kill()
            one.communicate()


@pytest.mark.slow
def test_processes_that_race_for_the_same_keys_send_each_once(tmp_path: Path) -> None:
    """Real processes, real locks: one intent a key; and after they were all killed nobody else can send either."""
    keys = [record_of(n).key for n in range(40)]
    came = race(tmp_path / "store", [keys, keys, list(reversed(keys))], 10**6)
    came[2].reverse()
    assert all(sorted(each) == ["got", "lost", "lost"] for each in zip(*came, strict=True))
    with open_store(tmp_path / "store") as store:
        assert len(store.attempts.list()) == 40
        run = store.start_run("g", now_ms=2)
        assert all(claim.won for claim in store.claim_many(keys, run).result())
        for n in range(40):
            with pytest.raises(ClaimLost):
                store.attempts.intend(intent_of(record_of(n), run)).result()


@pytest.mark.slow
def test_processes_that_race_for_the_last_three_units_get_three(tmp_path: Path) -> None:
    """The cap is one for all of them, whatever each of them believed."""
    own = [[record_of(100 * n + m).key for m in range(5)] for n in range(4)]
    came = race(tmp_path / "store", own, 3)
    assert sorted(word for each in came for word in each) == ["broke"] * 17 + ["got"] * 3
    with open_store(tmp_path / "store") as store:
        assert store.attempts.spent(Cap("graph", "g", 3)) == (0, 3)
