from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, rule

from dagcontent.store import Run, Store, open_store
from dagcontent.store.runs import new_run_id
from dagcontent.values.canonical import Encoder
from dagcontent.values.record import Done, Manifest, Record, action_key

KEYS = [f"{n:02x}" * 32 for n in range(8)]


def die(run: Run) -> None:
    """Do to a run what the kernel does when its process is killed."""
    descriptor, run._descriptor = run._descriptor, -1
    os.close(descriptor)


def test_a_key_is_claimed_once(store: Store, make_record: Callable[..., Record]) -> None:
    """Two builds of one graph must not make the same thing twice; the second learns whom to wait for."""
    with open_store(store.root) as other:
        one, two = store.start_run("g", now_ms=1), other.start_run("g", now_ms=2)
        assert [claim.won for claim in store.claim_many(KEYS, one).result()] == [True] * 8
        assert [claim.holder for claim in other.claim_many(KEYS, two).result()] == [one.id] * 8
        assert [claim.won for claim in store.claim_many(KEYS, one).result()] == [True] * 8  # its own again
        assert other.claim_holder(KEYS[0]) == one.id
        store.release(KEYS[:1], one).result()
        other.release(KEYS, two).result()  # not two's to give up
        assert [claim.won for claim in other.claim_many(KEYS, two).result()] == [True] + [False] * 7
        record = make_record(1)
        store.claim_many([record.key], one).result()
        store.put(record).result()
        (claim,) = other.claim_many([record.key], two).result()
        assert claim.recorded
        assert store.claim_holder(record.key) is None


def test_claims_of_a_dead_run_are_taken_over(store: Store) -> None:
    """A kill -9 must not leave a key that nobody may make."""
    with open_store(store.root) as other:
        one, two = store.start_run("g", now_ms=1), other.start_run("g", now_ms=2)
        store.claim_many(KEYS, one).result()
        assert other.run_alive(one.id)
        die(one)
        assert not other.run_alive(one.id)
        assert other.claim_holder(KEYS[0]) is None
        assert all(claim.won for claim in other.claim_many(KEYS, two).result())


def test_finishing_frees_claims_and_the_lock(store: Store) -> None:
    """Others go on at once, and nothing is left lying about."""
    with open_store(store.root) as other:
        one, two = store.start_run("g", now_ms=1), other.start_run("g", now_ms=2)
        store.claim_many(KEYS, one).result()
        store.finish_run(one, "failed", {"ran": 1}, now_ms=3)
        assert all(claim.won for claim in other.claim_many(KEYS, two).result())
        other.finish_run(two, "ok", {}, now_ms=4)
    assert list(store.layout.runs.iterdir()) == []


def test_a_new_run_buries_the_dead(store: Store) -> None:
    """Their locks and claims do not pile up."""
    with open_store(store.root) as other:
        die(other.start_run("g", now_ms=1))
    assert len(list(store.layout.runs.iterdir())) == 1
    run = store.start_run("g", now_ms=2)
    assert [one.name for one in store.layout.runs.iterdir()] == [f"{run.id}.lock"]


def test_a_run_that_names_a_path_is_dead(store: Store) -> None:
    """A claim is data; its run must not make us open a file elsewhere."""
    assert not store.run_alive("../store")
    assert not store.run_alive("")


def test_an_unfinished_build_keeps_its_epoch(store: Store) -> None:
    """`cache = "run"` means once a build, and a build that was interrupted is the same build when it goes on."""
    first = store.open_epoch("g")
    run = store.start_run("g", now_ms=1, epoch=first)
    assert run.epoch == first
    assert store.open_epoch("g") == first
    store.finish_run(run, "interrupted", {}, now_ms=2)
    assert store.open_epoch("g") == first
    run = store.start_run("g", now_ms=3)
    assert run.epoch == first
    store.finish_run(run, "ok", {}, now_ms=4)
    assert store.open_epoch("g") not in {first, store.open_epoch("g")}
    assert store.open_epoch("other") != first


def test_run_ids_sort_by_time() -> None:
    """Names in a list stand in the order in which things happened, and two at once differ."""
    moments = [0, 1, 999, 1000, 1_700_000_000_000, 1_700_000_000_001]
    ids = [new_run_id(moment) for moment in moments]
    assert ids == sorted(ids)
    assert new_run_id(5) != new_run_id(5)


RACER = """
import sys
from pathlib import Path
from dagcontent.store import open_store
store = open_store(Path(sys.argv[1]))
run = store.start_run("g", now_ms=1)
print("ready", flush=True)
sys.stdin.readline()
keys = [f"{n:064x}" for n in range(int(sys.argv[2]))]
won = [claim.key for n in range(0, len(keys), 7) for claim in store.claim_many(keys[n:n+7], run).result() if claim.won]
print(" ".join(won), flush=True)
sys.stdin.readline()
"""


@pytest.mark.slow
def test_processes_that_race_share_the_keys_and_the_killed_ones_are_inherited(tmp_path: Path) -> None:
    """With real processes and real locks: each key is won once; a killed winner's keys are all won again."""
    open_store(tmp_path / "store").close()
    count = 210
    racers = [
        subprocess.Popen(
            [sys.executable, "-c", RACER, str(tmp_path / "store"), str(count)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env={"PYTHONPATH": ":".join(sys.path)},
        )
        for _ in range(3)
    ]  # fmt: skip
    try:
        pipes = [(one.stdin, one.stdout) for one in racers]
        for _, said in pipes:
            assert said is not None
            assert said.readline() == "ready\n"
        for told, _ in pipes:
            assert told is not None
            told.write("go\n")
            told.flush()
        won = [said.readline().split() if said is not None else [] for _, said in pipes]
        assert Counter(key for keys in won for key in keys) == Counter(f"{n:064x}" for n in range(count))
        racers[0].kill()
        racers[0].wait()
        with open_store(tmp_path / "store") as store:
            run = store.start_run("g", now_ms=9)
            claims = store.claim_many([f"{n:064x}" for n in range(count)], run).result()
            assert sorted(claim.key for claim in claims if claim.won) == sorted(won[0])
    finally:
        for one in racers:
            one.kill()
            one.communicate()


class Machine(RuleBasedStateMachine):
    """Two processes (here: two open stores) against a dictionary: records, claims, runs, deaths, reopening."""

    runs = Bundle("runs")

    def __init__(self) -> None:
        super().__init__()
        import tempfile

        self.folder = tempfile.TemporaryDirectory()
        self.stores = [open_store(Path(self.folder.name) / "store") for _ in range(2)]
        self.clock = 0
        self.living: dict[str, tuple[int, Run]] = {}
        self.claims: dict[str, str] = {}
        self.records: dict[str, Record] = {}
        self.manifests = [Manifest("text.generate", 1, {"n": n}) for n in range(4)]
        self.keys = [action_key(manifest, Encoder()) for manifest in self.manifests]

    @rule(target=runs, which=st.integers(0, 1))
    def start(self, which: int) -> str:
        self.clock += 1
        run = self.stores[which].start_run("g", now_ms=self.clock)
        self.living[run.id] = (which, run)
        return run.id

    @rule(run_id=consumes(runs), gently=st.booleans())
    def end(self, run_id: str, gently: bool) -> None:
        if run_id not in self.living:
            return
        which, run = self.living.pop(run_id)
        if gently:
            self.stores[which].finish_run(run, "ok", {}, now_ms=self.clock)
        else:
            die(run)
        self.claims = {key: holder for key, holder in self.claims.items() if holder != run_id}

    @rule(run_id=runs, chosen=st.lists(st.integers(0, 3), unique=True))
    def claim(self, run_id: str, chosen: list[int]) -> None:
        if run_id not in self.living:
            return
        which, run = self.living[run_id]
        keys = [self.keys[n] for n in chosen]
        for key, claim in zip(keys, self.stores[which].claim_many(keys, run).result(), strict=True):
            assert claim.key == key
            assert claim.recorded is (key in self.records)
            if claim.recorded:
                continue
            holder = self.claims.setdefault(key, run_id)
            assert claim.won is (holder == run_id)
            assert claim.holder == ("" if claim.won else holder)

    @rule(run_id=runs, chosen=st.lists(st.integers(0, 3), unique=True))
    def release(self, run_id: str, chosen: list[int]) -> None:
        if run_id not in self.living:
            return
        which, run = self.living[run_id]
        self.stores[which].release([self.keys[n] for n in chosen], run).result()
        for n in chosen:
            if self.claims.get(self.keys[n]) == run_id:
                del self.claims[self.keys[n]]

    @rule(which=st.integers(0, 1), chosen=st.integers(0, 3), value=st.integers(-9, 9))
    def put(self, which: int, chosen: int, value: int) -> None:
        key = self.keys[chosen]
        record = Record(key, self.manifests[chosen], Done(value), {}, "r", 1)
        assert self.stores[which].put(record).result() == self.records.setdefault(key, record)
        self.claims.pop(key, None)

    @rule(which=st.integers(0, 1))
    def reopen(self, which: int) -> None:
        self.stores[which].close()
        gone = {run_id for run_id, (owner, _) in self.living.items() if owner == which}
        self.living = {run_id: one for run_id, one in self.living.items() if run_id not in gone}
        self.claims = {key: holder for key, holder in self.claims.items() if holder not in gone}
        self.stores[which] = open_store(self.stores[which].root)

    @invariant()
    def both_see_the_same(self) -> None:
        for store in self.stores:
            for key in self.keys:
                assert store.find(key) == self.records.get(key)
                assert store.claim_holder(key) == self.claims.get(key)

    def teardown(self) -> None:
        assert self.stores[0].verify().problems == []
        for store in self.stores:
            store.close()
        self.folder.cleanup()


TestMachine = pytest.mark.slow(Machine.TestCase)
Machine.TestCase.settings = settings(max_examples=12, stateful_step_count=20, deadline=None)
