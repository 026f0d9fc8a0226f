"""The machine against chance: every order of events, without a clock. `oracle/driver.py` checks what it asks for."""

from __future__ import annotations

import random
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from oracle.builds import new_folder
from oracle.driver import Driver, Memory, resolver_of
from oracle.graph import Oracle
from oracle.worlds import World, worlds

from dagcontent.errors import GraphError, InternalError, NodeError
from dagcontent.plan.resolver import Resolver
from dagcontent.plan.unit import Status
from dagcontent.run import machine as m
from dagcontent.values.record import Done, Record

SAME = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
OF_STATUS = {
    Status.VALUE: "value", Status.HIT: "done", Status.RAN: "done", Status.SKIPPED: "skipped", Status.FAILED: "failed",
    Status.BLOCKED: "blocked",
}  # fmt: skip


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """One folder for all graphs: each example writes its own over the last."""
    made = new_folder()
    yield made
    shutil.rmtree(made)


def machine_of(resolver: Resolver, slots: int = 2, seed: int = 0, **options: Any) -> m.Machine:
    return m.Machine(resolver, slots=slots, remaining_s=lambda node: float(node % 3), seed=seed, **options)


def graph(folder: Path, text: str) -> Path:
    path = folder / "graph.toml"
    path.write_text('[graph]\nname = "g"\n' + text, encoding="utf-8")
    return path


def values(resolver: Resolver) -> dict[str, tuple[str, Any]]:
    return {
        resolver.fanout.name(u): (OF_STATUS[u.status], u.value)
        for u in resolver.fanout.all_units()
        if u.status is not None
    }


# --- any order of events


@SAME
@given(worlds(), st.integers(1, 4), st.randoms(use_true_random=False), st.integers(0, 99))
def test_whatever_the_order_of_events_the_values_are_those_of_a_recursion(
    folder: Path, world: World, slots: int, chance: random.Random, seed: int
) -> None:
    """Claims, ends, other runs and lost bytes may come in any order: each key is made once, and all is as if computed
    from scratch.
    """
    try:
        resolver = resolver_of(world.write(folder), memory := Memory())
    except GraphError:
        return
    oracle = Oracle(folder / "graph.toml")
    p = {"foreign": chance.choice([0, 0.3]), "retry": chance.choice([0, 0.1]), "lose": chance.choice([0, 0, 0.4])}
    driver = Driver(machine_of(resolver, slots, seed), memory, chance, slots, p)
    driver.run()
    assert resolver.finished()
    assert not driver.running
    assert driver.machine.running == 0
    assert driver.machine.queued == 0
    if not p["retry"]:  # a failure may pass more often than a node is tried again
        for name, (status, value) in values(resolver).items():
            one = oracle.instances[name]
            assert status == one.status, (name, status, one, p)
            if status in {"done", "value"}:
                assert value == one.value, name
    if not p["lose"]:
        assert max(driver.executed.values(), default=0) <= 1, "one key was made twice"


@SAME
@given(worlds(), st.integers(1, 4), st.randoms(use_true_random=False))
def test_a_stop_ends_the_build_with_nothing_running_and_a_second_build_finishes_it(
    folder: Path, world: World, slots: int, chance: random.Random
) -> None:
    """What is finished stays: the next build makes the rest, and nothing twice."""
    try:
        first = resolver_of(world.write(folder), memory := Memory())
    except GraphError:
        return
    one = Driver(machine_of(first, slots), memory, chance, slots, {"stop": 0.3, "foreign": 0.2})
    one.run()
    assert not one.running
    second = resolver_of(folder / "graph.toml", memory)
    two = Driver(machine_of(second, slots), memory, chance, slots, {})
    two.run()
    failing = {u.key for u in second.fanout.all_units() if u.status is Status.FAILED}
    assert not set(one.executed) & set(two.executed) - failing
    oracle = Oracle(folder / "graph.toml")
    for name, (status, _) in values(second).items():
        assert status == oracle.instances[name].status


@SAME
@given(worlds(), st.integers(1, 4), st.randoms(use_true_random=False))
def test_fail_fast_starts_nothing_after_the_first_failure(
    folder: Path, world: World, slots: int, chance: random.Random
) -> None:
    """What runs at that moment may end; what waits is left for the next build."""
    try:
        resolver = resolver_of(world.write(folder), memory := Memory())
    except GraphError:
        return
    machine = machine_of(resolver, slots, fail_fast=True)
    driver = Driver(machine, memory, chance, slots, {})
    original = machine.on

    def on(event: Any) -> list[Any]:
        before = machine.stopped
        effects = original(event)
        if before or (isinstance(event, m.Failed) and machine.stopped):
            assert not any(isinstance(e, m.Start) for e in effects)
        return effects

    machine.on = on  # type: ignore[method-assign]
    driver.run()
    failed = any(u.status is Status.FAILED and u.key is not None for u in resolver.fanout.all_units())
    assert machine.stopped == failed
    assert not driver.running


# --- one thing at a time

ONE = """
[node.a]
kind = "test.upper"
text = "a"
"""
TWO = '[node.b]\nkind = "test.upper"\ntext = "b"\n'


def begun(folder: Path, text: str = ONE, slots: int = 2, **options: Any) -> tuple[m.Machine, list[m.Task], Memory]:
    """Return a machine whose first tasks are claimed, and those that were started."""
    memory = Memory()
    machine = machine_of(resolver_of(graph(folder, text), memory), slots, **options)
    (claim,) = machine.begin()
    assert isinstance(claim, m.Claim)
    tasks = []
    for key in claim.keys:
        tasks += [e.task for e in machine.on(m.Claimed(key, True)) if isinstance(e, m.Start)]
    return machine, tasks, memory


def record_of(memory: Memory, task: m.Task) -> Record:
    return memory.make(task.action)


LEGAL = {(a, b) for a, targets in m.TRANSITIONS.items() for b in targets}


@pytest.mark.parametrize("before", m.TaskState)
@pytest.mark.parametrize("after", m.TaskState)
def test_only_the_ways_in_the_table_can_be_gone(folder: Path, before: m.TaskState, after: m.TaskState) -> None:
    """The picture in the module's text is the code: any other way is a fault of ours, said at once."""
    _, (task,), _ = begun(folder)
    task.state = before
    if (before, after) in LEGAL:
        task.enter(after)
        assert task.state is after
    else:
        with pytest.raises(InternalError, match=f"from {before.value} to {after.value}"):
            task.enter(after)


def test_the_table_names_every_state_and_ends() -> None:
    """OVER leads nowhere and can be reached from everywhere; nothing is a trap."""
    assert set(m.TRANSITIONS) == set(m.TaskState)
    assert m.TRANSITIONS[m.TaskState.OVER] == frozenset()
    reached = {m.TaskState.CLAIMING}
    for _ in m.TaskState:
        reached |= {b for a in reached for b in m.TRANSITIONS[a]}
    assert reached == set(m.TaskState)


@pytest.mark.parametrize("state", m.TaskState)
@pytest.mark.parametrize("kind", ["claimed", "completed", "failed", "lost", "foreign"])
def test_an_event_that_cannot_happen_now_is_an_internal_error(folder: Path, state: m.TaskState, kind: str) -> None:
    """A driver that reports what it was not asked for must not corrupt counts or settle an instance twice."""
    machine, (task,), memory = begun(folder)
    key = task.action.key
    task.state = state
    made = {
        "claimed": (m.Claimed(key, True), m.TaskState.CLAIMING),
        "completed": (m.Completed(key, record_of(memory, task)), m.TaskState.RUNNING),
        "failed": (m.Failed(key, NodeError("no")), m.TaskState.RUNNING),
        "lost": (m.Lost(key, "00"), m.TaskState.RUNNING),
        "foreign": (m.ForeignEnded(key, None), m.TaskState.FOREIGN),
    }
    event, wanted = made[kind]
    if state is wanted:
        machine.on(event)
    else:
        with pytest.raises(InternalError, match=state.value):
            machine.on(event)


def test_an_event_of_an_unknown_key_is_an_internal_error(folder: Path) -> None:
    """No event is taken for another's."""
    machine, _, _ = begun(folder)
    with pytest.raises(InternalError, match="unknown"):
        machine.on(m.Claimed("ab" * 32, True))  # type: ignore[arg-type]


def test_instances_with_one_key_are_one_task(folder: Path) -> None:
    """Two nodes that mean the same thing are made once, and both have it."""
    machine, tasks, memory = begun(folder, ONE + TWO.replace('"b"', '"a"'))
    (task,) = tasks
    assert [machine.resolver.fanout.name(u) for u in task.units] == ["a", "b"]
    assert isinstance(machine.on(m.Completed(task.action.key, record_of(memory, task)))[-1], m.Finish)
    assert [u.value for u in task.units] == ["A", "A"]


def test_a_call_that_failed_is_not_made_again_in_the_same_build(folder: Path) -> None:
    """`c` turns out to mean what `a` meant, after `a` failed: it fails with it."""
    text = '[node.a]\nkind = "test.fail"\ntext = "B B"\n[node.b]\nkind = "test.upper"\ntext = "b b"\n'
    machine, tasks, memory = begun(folder, text + '[node.c]\nkind = "test.fail"\ntext = "${b}"\n')
    a, b = sorted(tasks, key=lambda t: t.action.node.name)
    assert machine.on(m.Failed(a.action.key, NodeError("no"))) == [m.Release((a.action.key,))]
    assert machine.on(m.Completed(b.action.key, record_of(memory, b))) == [m.Finish()]
    assert [u.status for u in machine.resolver.fanout.all_units()] == [Status.FAILED, Status.RAN, Status.FAILED]


def test_an_instance_that_comes_later_joins_the_task_of_its_key(folder: Path) -> None:
    """`c` is known to be the same as `a` only when `b` is there, while `a` still runs."""
    text = ONE + TWO + '[node.c]\nkind = "test.upper"\ntext = "${d}"\n[node.d]\nkind = "test.modulo"\ntext = "${b}"\n'
    machine, tasks, memory = begun(folder, text.replace('"a"', '"1"'))
    a, b = sorted(tasks, key=lambda t: t.action.node.name)
    (claim,) = machine.on(m.Completed(b.action.key, record_of(memory, b)))
    (start,) = machine.on(m.Claimed(claim.keys[0], True))
    assert machine.on(m.Completed(claim.keys[0], record_of(memory, start.task))) == []
    assert [u.node for u in a.units] == [0, 2]
    assert isinstance(machine.on(m.Completed(a.action.key, record_of(memory, a)))[-1], m.Finish)


def test_slots_are_filled_by_the_longest_remaining_path_first(folder: Path) -> None:
    """Makespan: what much work waits for starts first, equals in an order that the seed fixes."""
    text = "".join(f'[node.n{i}]\nkind = "test.upper"\ntext = "{i}"\n' for i in range(6))

    def order(seed: int, remaining: Any) -> list[str]:
        memory = Memory()
        machine = m.Machine(resolver_of(graph(folder, text), memory), slots=1, remaining_s=remaining, seed=seed)
        (claim,) = machine.begin()
        for key in claim.keys:
            effects = machine.on(m.Claimed(key, True))
            started = [e for e in effects if isinstance(e, m.Start)] or started  # noqa: F821
        names = []
        while started:
            task = started[0].task
            names.append(task.action.node.name)
            started = [
                e for e in machine.on(m.Completed(task.action.key, record_of(memory, task))) if isinstance(e, m.Start)
            ]
        return names

    assert order(0, float)[1:] == ["n5", "n4", "n3", "n2", "n1"]  # the first was alone when it was claimed
    assert order(7, lambda _: 1.0) == order(7, lambda _: 1.0)
    assert len({tuple(order(seed, lambda _: 1.0)) for seed in range(8)}) > 1


def test_a_passing_failure_is_tried_again_after_waits_that_double(folder: Path) -> None:
    """Times are the driver's: the machine only says when, and does not start before it is that late."""
    machine, (task,), memory = begun(folder, ONE + "retries = 3\n")
    key, now = task.action.key, 10.0
    machine.on(m.Tick(now))
    for wait in (0.5, 1.0, 2.0):
        assert machine.on(m.Failed(key, NodeError("busy", retry=True))) == [m.Wake(now + wait)]
        assert machine.on(m.Tick(now + wait - 0.01)) == []
        now += wait
        (start,) = machine.on(m.Tick(now))
        assert isinstance(start, m.Start)
    assert task.attempt == 4
    effects = machine.on(m.Failed(key, NodeError("busy", retry=True)))
    assert [type(e) for e in effects] == [m.Release, m.Finish]
    assert memory.records == {}


def test_a_failure_that_no_retry_can_mend_is_final(folder: Path) -> None:
    """A wrong input stays wrong: waiting would only hide it."""
    machine, (task,), _ = begun(folder)
    effects = machine.on(m.Failed(task.action.key, NodeError("wrong")))
    assert effects == [m.Release((task.action.key,)), m.Finish()]
    assert task.units[0].status is Status.FAILED


def test_a_stop_gives_up_what_waits_and_keeps_what_runs(folder: Path) -> None:
    """Claims of what was not started are given up at the end, so that another run may have them."""
    machine, (task,), memory = begun(folder, ONE + TWO, slots=1)
    assert machine.on(m.Stop()) == []
    effects = machine.on(m.Completed(task.action.key, record_of(memory, task)))
    assert [type(e) for e in effects] == [m.Release, m.Finish]
    assert task.units[0].status is Status.RAN


def test_a_stopped_build_does_not_try_again(folder: Path) -> None:
    """A child that was killed by the stop fails in a way that could be tried again; it must not be."""
    machine, (task,), _ = begun(folder)
    machine.on(m.Stop())
    effects = machine.on(m.Failed(task.action.key, NodeError("stopped", retry=True)))
    assert [type(e) for e in effects] == [m.Release, m.Finish]


def test_a_record_that_appeared_before_the_claim_is_used(folder: Path) -> None:
    """Another run may commit between our look-up and our claim."""
    memory = Memory()
    machine = machine_of(resolver_of(graph(folder, ONE), memory))
    (claim,) = machine.begin()
    unit = machine._tasks[claim.keys[0]].units[0]
    effects = machine.on(m.Claimed(claim.keys[0], False, "", record_of(memory, machine._tasks[claim.keys[0]])))
    assert effects == [m.Finish()]
    assert (unit.status, unit.value) == (Status.HIT, "A")


@pytest.mark.parametrize("ends", ["record", "died", "gave up and another won"])
def test_a_key_held_by_another_run_is_waited_for(folder: Path, ends: str) -> None:
    """Its record is ours too; if it dies or gives the key up, we claim again, and may lose again."""
    memory = Memory()
    machine = machine_of(resolver_of(graph(folder, ONE), memory))
    (claim,) = machine.begin()
    (key,) = claim.keys
    assert machine.on(m.Claimed(key, False, "r1")) == [m.Await(key, "r1")]
    record = record_of(memory, machine._tasks[key])
    if ends == "record":
        assert machine.on(m.ForeignEnded(key, record)) == [m.Finish()]
        return
    assert machine.on(m.ForeignEnded(key, None)) == [m.Claim((key,))]
    if ends == "died":
        (start,) = machine.on(m.Claimed(key, True))
        assert isinstance(start, m.Start)
    else:
        assert machine.on(m.Claimed(key, False, "r2")) == [m.Await(key, "r2")]


SOUNDS = """
[each]
scene = ["a", "b"]
[node.s]
kind = "test.sound"
each = "scene"
text = "${scene}"
[node.all]
kind = "test.listen"
sounds = "${s}"
[node.one]
kind = "test.listen"
each = "scene"
sounds = ["${s[scene]}"]
"""


@pytest.mark.parametrize("salt", [b"", b"other bytes"], ids=["the same bytes again", "other bytes"])
def test_the_maker_of_lost_bytes_is_run_again(folder: Path, salt: bytes) -> None:
    """A stored input that turned out missing or damaged is made anew, though its record was a hit; also when what comes
    of it the second time is not what it was.
    """
    path, memory, chance = graph(folder, SOUNDS), Memory(), random.Random(1)
    first = resolver_of(path, memory)
    Driver(machine_of(first), memory, chance, 2, {}).run()
    for key, record in list(memory.records.items()):
        if record.manifest.kind == "test.listen":
            del memory.records[key]
    resolver = resolver_of(path, memory)
    driver = Driver(machine_of(resolver), memory, chance, 2, {})
    driver.salt = salt
    memory.bytes.clear()  # after the look-up: the records are hits by now
    driver.run()
    assert {name: status for name, (status, _) in values(resolver).items()} == dict.fromkeys(values(resolver), "done")
    makers = [u for u in resolver.fanout.all_units() if resolver.graph.nodes[u.node].name == "s"]
    assert [driver.executed[str(u.key)] for u in makers] == [1, 1]
    heard = b"/".join(b"sound:" + scene + salt for scene in (b"a", b"b")).decode()
    outcome = next(u for u in resolver.fanout.all_units() if resolver.graph.nodes[u.node].name == "all").record.outcome  # type: ignore[union-attr]
    assert isinstance(outcome, Done)
    assert outcome.value == f"heard {heard} for 0.0"


def test_lost_bytes_that_nothing_makes_fail_the_node(folder: Path) -> None:
    """A file beside the graph that went away is the user's to bring back: no loop, a clear word."""
    machine, (task,), _ = begun(folder)
    effects = machine.on(m.Lost(task.action.key, "ab" * 32))
    assert [type(e) for e in effects] == [m.Release, m.Finish]
    assert "nothing here makes it" in task.units[0].error.message
