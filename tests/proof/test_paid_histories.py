from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from oracle.paid_world import BOUNDS, Disk, Drawer, World, build

from dagcontent.providers.port import Recovery
from dagcontent.run import attempt as engine
from dagcontent.run import following
from dagcontent.values.attempt import Attempt, AttemptState
from dagcontent.values.record import Done

CHANCES = {
    "killed": 0.02, "power fails": 0.5, "sleeps": 0.01, "upload fails": 0.05, "no connection": 0.08, "lost on the way": 0.08,
    "turned away": 0.08, "answer lost": 0.15, "fails without a word": 0.05, "answer cut": 0.08, "registers late": 0.3,
    "lists late": 0.3, "poll fails": 0.1, "list fails": 0.1, "job fails": 0.03,
}  # fmt: skip
IN_GATE = 20_000
WAYS = [
    (Recovery.BY_MATCH, True),
    (Recovery.EXACT, True),
    (Recovery.ASK, False),
    (Recovery.ASK, True),
    (Recovery.BY_MATCH, False),
]


def history(seed: int, fired: Counter[str] | None = None) -> list[str]:
    """Live one history through; return what is wrong with it."""
    recovery, handle = WAYS[seed % len(WAYS)]
    alike = recovery is Recovery.BY_MATCH and seed % 7 == 0
    world = World(seed, recovery=recovery, handle=handle, chances=CHANCES, alike=alike)
    keys = ["a", "b"] if alike or seed % 3 == 0 else ["a"]
    for _ in range(world.chance.randrange(1, 4)):
        world.run([build(world, keys) for _ in range(world.chance.randrange(1, 4))])
        world.now_ms += world.chance.randrange(0, 300_000)
    # Then all goes well, for as long as it takes.
    world.chances = {}
    for _ in range(4):
        world.now_ms += 1_000 * int(BOUNDS.send_s + BOUNDS.inflight_s + BOUNDS.list_lag_s)
        world.run([build(world, keys)])
    if fired is not None:
        fired.update(world.fired)
    return faults_of(world, keys)


def faults_of(world: World, keys: list[str]) -> list[str]:
    """Return every promise that was broken."""
    wrong = []
    if world.alike and sum(world.charges.values()) > len(keys):
        # Requests that are the same to the letter: whose job is whose nobody can say, and it does not matter.
        wrong.append(f"{len(keys)} keys were paid {sum(world.charges.values())} times")
    jobs = Counter(a.handle.ids["id"] for a in world.attempts.values() if a.handle is not None)
    wrong += [f"{job} is the job of {count} attempts" for job, count in jobs.items() if count > 1]
    for key in keys:
        states = [a.state for a in world.attempts.values() if a.key == key]
        unresolved = AttemptState.UNRESOLVED in states
        if world.charges[key] > 1 and not world.alike:
            wrong.append(f"{key} was paid {world.charges[key]} times")
        if key not in world.records and not unresolved:
            wrong.append(f"{key} was not made, and nobody is asked about it: {states}")
        if unresolved and world.recovery is not Recovery.ASK and not world.alike:
            wrong.append(f"{key} is unresolved, although the vendor lists it")
        for one in world.attempts.values():
            if one.key == key and one.state is AttemptState.UNRESOLVED and one.id in world.whole:
                wrong.append(f"{key} is unresolved, although its whole answer lies on the disk")
        made = world.records[key].outcome.value if key in world.records and done(world, key) else ""
        if made and made.removeprefix("picture of ") not in world.jobs:
            wrong.append(f"{key} was made of an answer that was not whole: {made}")
        if sum(a.blocks for a in world.attempts.values() if a.key == key) > 1:
            wrong.append(f"{key} has two attempts that block")
    return wrong


def done(world: World, key: str) -> bool:
    """Whether a key's record is a result, and no failure that was paid for."""
    return isinstance(world.records[key].outcome, Done)


@pytest.mark.slow
@pytest.mark.parametrize("part", range(8))
def test_whatever_happens_a_key_is_paid_at_most_once_and_nothing_paid_is_lost(part: int) -> None:
    """Kills, sleeps, lost answers and late lists in any order: the ledger counts one, and the result is there or is asked for."""
    fired: Counter[str] = Counter()
    for seed in range(part * IN_GATE // 8, (part + 1) * IN_GATE // 8):
        wrong = history(seed, fired)
        assert not wrong, f"seed {seed}: {wrong}"
    assert min(fired[what] for what in CHANCES) >= 50, fired


@pytest.mark.sweep
@pytest.mark.parametrize("part", range(16))
def test_a_million_histories(part: int) -> None:
    """The same, for as long as there is patience."""
    for seed in range(1_000_000 + part * 62_500, 1_000_000 + (part + 1) * 62_500):
        wrong = history(seed)
        assert not wrong, f"seed {seed}: {wrong}"


# --- what the proof is worth: without any one check, it fails


def unwritten_intent(monkeypatch: pytest.MonkeyPatch) -> None:
    """The request leaves while its intent is still to be written."""

    async def later(self: Disk, intent: Any, *, again: bool) -> None:
        self.world.spool["later", intent.attempt] = b""

    monkeypatch.setattr(Disk, "intend", later)
    original, adopting = Disk.step, Disk.adopt

    async def adopt(self: Disk, attempt: str, handle: Any) -> bool:
        return attempt not in self.world.attempts or await adopting(self, attempt, handle)

    monkeypatch.setattr(Disk, "adopt", adopt)

    async def step(self: Disk, attempt: str, state: Any, **changes: Any) -> None:
        if attempt in self.world.attempts:
            await original(self, attempt, state, **changes)

    monkeypatch.setattr(Disk, "step", step)


def no_settle_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty list is believed at once."""
    impatient = BOUNDS.__class__(send_s=5, inflight_s=0, list_lag_s=0, poll_s=1, poll_most_s=20)
    original = following.reconcile

    async def reconcile(desk: Any, order: Any, call: Any, intent: Any, why: str, **more: Any) -> Any:
        import msgspec

        hasty = msgspec.structs.replace(intent, send_by_ms=intent.at_ms - 1)
        patience = msgspec.structs.replace(desk, bounds=lambda _: impatient)
        return await original(patience, order, call, hasty, why, **more)

    monkeypatch.setattr(engine, "reconcile", reconcile)


def blind_to_the_journal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Open attempts are not looked for, neither before a purchase nor in the intent's transaction."""
    monkeypatch.setattr(Disk, "blocking", lambda _self, _key: None)


def resend_after_silence(monkeypatch: pytest.MonkeyPatch) -> None:
    """A request without an answer counts as not sent."""

    async def lost(desk: Any, _order: Any, call: Any, _intent: Any, why: str, **_more: Any) -> None:
        await desk.journal.release(call.attempt, "x", why)

    monkeypatch.setattr(engine, "reconcile", lost)


def no_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    """What slept after its intent is sent all the same."""
    original = engine._Try._commit

    async def commit(self: Any) -> None:
        try:
            await original(self)
        except engine._TooLateError:
            self._refused = None

    monkeypatch.setattr(engine._Try, "_commit", commit)


def adopts_what_is_anothers(monkeypatch: pytest.MonkeyPatch) -> None:
    """A job that another key has is taken for ours."""
    monkeypatch.setattr(Disk, "knows", lambda *_: False)


def unclaimed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two processes make one key: nobody looks at claims, and the journal takes two open attempts of a key."""
    monkeypatch.setattr(World, "holder", lambda _self, _key: None)

    async def intend(self: Disk, intent: Any, *, again: bool) -> None:
        await self.world.turn()
        attempt = Attempt(intent=intent, state=AttemptState.INTENT, changed_ms=intent.at_ms)
        self.world.attempts[intent.attempt] = attempt
        await self.world.turn()

    monkeypatch.setattr(Disk, "intend", intend)


def unsealed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing says of an answer that it is whole, before the journal does."""

    async def seal(self: Drawer, file: Any, _said: Any, _sha256: str) -> None:
        await self.sync(file)

    monkeypatch.setattr(Drawer, "seal", seal)


def believes_a_seal(monkeypatch: pytest.MonkeyPatch) -> None:
    """A seal counts, whatever lies under it."""

    def proven(self: Drawer, attempt: str, name: str) -> Any:
        seal = self.world.seals.get((attempt, name))
        return None if seal is None else (seal[0], self.world.spool.get((attempt, name), b""))

    monkeypatch.setattr(Drawer, "proven", proven)


def believes_a_cut_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the spool has of an answer of success counts as all of it."""

    def proven(self: Drawer, attempt: str, name: str) -> Any:
        said, body = self.world.attempts[attempt].answer, self.world.spool.get((attempt, name))
        return (said, body) if body and said else None

    monkeypatch.setattr(Drawer, "proven", proven)


MUTANTS = [
    unwritten_intent, no_settle_wait, blind_to_the_journal, resend_after_silence, no_deadline, adopts_what_is_anothers,
    unclaimed, unsealed, believes_a_seal, believes_a_cut_answer,
]  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda one: one.__name__)
def test_without_any_one_check_a_key_is_paid_twice_or_a_result_lost(
    mutant: Callable[[pytest.MonkeyPatch], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each check is there because some history needs it."""
    mutant(monkeypatch)
    for seed in range(6_000):
        try:
            wrong = history(seed)
        except AssertionError:
            return
        if wrong:
            return
    pytest.fail("nothing went wrong without it")
