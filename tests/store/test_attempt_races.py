from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from dagcontent.errors import OverBudget
from dagcontent.store import ClaimLost, Run, Store, new_attempt_id, open_store
from dagcontent.values.attempt import ATTEMPT_TRANSITIONS, BLOCKING, Attempt, AttemptState, Handle, Intent
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


class Budgets(RuleBasedStateMachine):
    """Two processes' stores, random attempts, random ends; beside them a model that only adds."""

    CAPS = (Cap("run", "", 2500), Cap("graph", "", 3000), Cap("day", "", 1800), Cap("provider", "", 2800))

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory(prefix="dagcontent-test-")
        root = Path(self.folder.name) / "store"
        self.stores: list[Store] = [open_store(root), open_store(root)]
        self.runs: list[Run] = []
        self.model: dict[str, tuple[Attempt, int, int]] = {}  # attempt -> (it, settled, reserved)

    @initialize()
    def begin(self) -> None:
        self.runs = [store.start_run(f"g{n}", now_ms=NOW) for n, store in enumerate(self.stores)]

    def caps(self, run: Run, provider: str, day: str) -> list[Cap]:
        names = {"run": run.id, "graph": run.graph, "day": day, "provider": provider}
        return [Cap(cap.scope, names[cap.scope], cap.limit_microusd) for cap in self.CAPS]

    def total(self, cap: Cap) -> int:
        own = {
            "run": lambda one: one.intent.run, "graph": lambda one: one.intent.graph,
            "day": lambda one: "2025-11-22" if one.intent.at_ms == NOW else "2025-11-23",
            "provider": lambda one: one.intent.provider,
        }[cap.scope]  # fmt: skip
        return sum(settled + held for one, settled, held in self.model.values() if own(one) == cap.name)

    @rule(
        who=st.integers(0, 1), key=st.integers(0, 5), reserved=st.integers(0, 1500), provider=st.sampled_from("ab"),
        day=st.integers(0, 1),
    )  # fmt: skip
    def intend(self, who: int, key: int, reserved: int, provider: str, day: int) -> None:
        store, run, record = self.stores[who], self.runs[who], record_of(key)
        claim = store.claim_many([record.key], run).result()[0]
        intent = intent_of(record, run, provider=provider, reserved_microusd=reserved, at_ms=NOW + day * DAY_MS)
        caps = self.caps(run, provider, ("2025-11-22", "2025-11-23")[day])
        blocked = any(one.key == record.key and one.blocks for one, _, _ in self.model.values())
        fits = all(self.total(cap) + reserved <= cap.limit_microusd for cap in caps)
        try:
            attempt = store.attempts.intend(intent, caps).result()
        except ClaimLost:
            assert blocked or not claim.won
        except OverBudget:
            assert not fits
        else:
            assert claim.won
            assert fits
            assert not blocked
            self.model[attempt.id] = (attempt, 0, reserved)

    @precondition(lambda self: any(one.blocks for one, _, _ in self.model.values()))
    @rule(data=st.data(), who=st.integers(0, 1), part=st.integers(0, 4))
    def go_on(self, data: st.DataObject, who: int, part: int) -> None:
        name = data.draw(st.sampled_from([name for name, (one, _, _) in self.model.items() if one.blocks]))
        attempt, settled, held = self.model[name]
        bound = attempt.intent.reserved_microusd or 0
        journal = self.stores[who].attempts
        key = next(n for n in range(6) if record_of(n).key == attempt.key)
        record = record_of(key)
        cost = None if part == 4 else bound * part // 4
        charged = cost if cost is not None else bound
        to = data.draw(st.sampled_from(sorted(ATTEMPT_TRANSITIONS[attempt.state], key=lambda one: one.value)))
        if to is S.SUBMITTED:
            journal.submitted(name, Handle({"id": "1"}), now_ms=NOW).result()
        elif to is S.SPOOLED:
            journal.spooled(name, {}, now_ms=NOW).result()
        elif to is S.COMMITTED:
            journal.commit(name, record, cost_microusd=cost, cost_source="reported", now_ms=NOW).result()
        elif to is S.CHARGED:
            failed = record_of(key, failed=True)
            journal.charge(name, failed, cost_microusd=cost, cost_source="reported", now_ms=NOW).result()
        elif to is S.RELEASED:
            journal.release(name, "x", "y", now_ms=NOW).result()
        elif to is S.EXPIRED:
            journal.expire(name, "y", now_ms=NOW).result()
        elif to is S.UNRESOLVED:
            journal.unresolve(name, "y", now_ms=NOW).result()
        elif to is S.ABANDONED:
            journal.abandon(name, now_ms=NOW).result()
        else:
            journal.supersede(name, now_ms=NOW).result()
        after = journal.get(name)
        assert after is not None
        if to is S.RELEASED:
            settled, held = 0, 0
        elif to in {S.COMMITTED, S.CHARGED}:
            settled, held = charged, 0
        elif to in {S.EXPIRED, S.ABANDONED, S.SUPERSEDED}:
            settled, held = bound, 0
        self.model[name] = (after, settled, held)

    @rule(who=st.integers(0, 1))
    def crash(self, who: int) -> None:
        """End one process without a word; another one begins a run."""
        root = self.stores[who].root
        self.stores[who].close()
        self.stores[who] = open_store(root)
        self.runs[who] = self.stores[who].start_run(f"g{who}", now_ms=NOW)

    @invariant()
    def money_is_within_every_cap_and_as_the_model_says(self) -> None:
        for who, run in enumerate(self.runs):
            for provider in "ab":
                for day in ("2025-11-22", "2025-11-23"):
                    for cap in self.caps(run, provider, day):
                        found = sum(self.stores[who].attempts.spent(cap))
                        assert found == self.total(cap)
                        assert found <= cap.limit_microusd

    @invariant()
    def a_key_has_one_blocking_attempt_at_most(self) -> None:
        keys = [one.key for one in self.stores[0].attempts.list(states=BLOCKING)]
        assert len(keys) == len(set(keys))
        for n in range(6):
            found = self.stores[1].attempts.blocking(record_of(n).key)
            assert (found is not None) is (record_of(n).key in keys)

    def teardown(self) -> None:
        for store in self.stores:
            assert store.verify().ok
            store.close()
        self.folder.cleanup()


TestBudgets = Budgets.TestCase
TestBudgets.settings = settings(
    max_examples=min(120, settings().max_examples),
    stateful_step_count=20,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
TestBudgets.pytestmark = [pytest.mark.slow]  # type: ignore[attr-defined]


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
