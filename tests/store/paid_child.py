"""One small paid build against a store, ended by SIGKILL at the n-th crash point. Started by test_paid_crash.py.

Arguments: store, file for what was sent and acknowledged, n (-1: never; then the points are printed). The vendor is the file: a line
"sent KEY" is a request that it got. What an earlier process left is gone on with, as a build does.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

from dagcontent.store import Run, Store, new_attempt_id, open_store
from dagcontent.values.attempt import Attempt, AttemptState, Handle, Intent
from dagcontent.values.canonical import Encoder
from dagcontent.values.money import Cap
from dagcontent.values.record import Done, FailedCharged, Manifest, Record, action_key
from dagcontent.values.value import Blob

root, said, end_at = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
NOW = 1_763_800_000_000
S = AttemptState
points: list[str] = []


def crashpoint(name: str) -> None:
    """End this process as `kill -9` does, if it is time."""
    if len(points) == end_at:
        os.kill(os.getpid(), signal.SIGKILL)
    points.append(name)


def say(line: str) -> None:
    """Write down what left the process."""
    with said.open("a") as file:
        file.write(line + "\n")


def manifest_of(number: int) -> Manifest:
    """Return what one node asks for."""
    return Manifest("image.generate", 1, {"prompt": f"scene {number}"}, model="fal/flux")


def start(store: Store, run: Run, number: int, key: str) -> Attempt:
    """Write the intent, then send."""
    intent = Intent(
        attempt=new_attempt_id(NOW), key=key, run=run.id, graph="g", instance=f"n{number}", provider="fal", realm="",
        account="a", operation="queue", model="fal/flux", kind="image.generate", recovery="exact", marker="m",
        payload_digest="", reserved_microusd=1000, at_ms=NOW, send_by_ms=NOW, manifest=manifest_of(number), request=None,
    )  # fmt: skip
    attempt = store.attempts.intend(intent, [Cap("graph", "g", 3000)]).result()
    say(f"sent {key}")
    return attempt


def go_on(store: Store, run: Run, number: int) -> None:
    """Take one node from wherever it is to its record."""
    key = action_key(manifest_of(number), Encoder())
    if store.get(key) is not None:
        return
    store.claim_many([key], run).result()
    crashpoint("child.claimed")
    attempt = store.attempts.blocking(key)
    if attempt is None:
        attempt = start(store, run, number, key)
    elif attempt.intent.run != run.id:
        (attempt,) = store.attempts.take_over([attempt.id], run, now_ms=NOW).result()
    if attempt.state is S.INTENT:
        crashpoint("child.sent")
        # The vendor finds the request by its marker; one that it never got cannot be told apart here, and is not sent again.
        attempt = store.attempts.submitted(attempt.id, Handle({"id": str(number)}), now_ms=NOW).result()
        say(f"submitted {attempt.id}")
    body = b"picture %d" % number * 100
    if attempt.state is S.SUBMITTED:
        store.spool.discard(attempt.id, "body")
        with store.spool.open(attempt.id, "body") as file:
            file.write(body)
            crashpoint("child.written")
            file.sync()
        attempt = store.attempts.spooled(attempt.id, ["body"], now_ms=NOW).result()
        say(f"spooled {attempt.id}")
    digest, size = store.cas.put_bytes(store.spool.read(attempt.id, "body"))
    outcome = FailedCharged("blocked", "moderated") if number == 2 else Done(Blob(digest, "image", "image/png", size))
    record = Record(key, manifest_of(number), outcome, {}, run.id, NOW, cost_microusd=900)
    if number == 2:
        store.attempts.charge(attempt.id, record, cost_microusd=900, cost_source="reported", now_ms=NOW).result()
    else:
        store.attempts.commit(attempt.id, record, cost_microusd=900, cost_source="reported", now_ms=NOW).result()
    say(f"paid {key}")
    store.spool.remove(attempt.id)


opened = open_store(root, crashpoint=crashpoint)
mine = opened.start_run("g", now_ms=NOW)
for one in range(3):
    go_on(opened, mine, one)
opened.finish_run(mine, "ok", {}, now_ms=NOW)
opened.close()
sys.stdout.write("\n".join(points))
