from __future__ import annotations

import itertools
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dagcontent.errors import StoreError
from dagcontent.store.limits import Limits, Slot


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "limits").mkdir(mode=0o700)
    return tmp_path / "limits"


def take_all(limits: Limits, account: str, most: int) -> list[Slot]:
    """Take slots until there is none."""
    slots = []
    while (slot := limits.try_slot(account, most)) is not None:
        slots.append(slot)
    return slots


def test_slots_are_shared_and_given_back(folder: Path) -> None:
    """Two processes' limits over one folder; each account has its own."""
    one, two = Limits(folder), Limits(folder)
    slots = take_all(one, "fal", 3)
    assert len(slots) == 3
    assert two.try_slot("fal", 3) is None
    assert two.try_slot("other", 3) is not None
    slots[1].release()
    slots[1].release()
    got = two.try_slot("fal", 3)
    assert got is not None
    assert two.try_slot("fal", 3) is None
    for slot in (got, slots[0], slots[2]):
        slot.release()
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.rglob("*") if path.is_file()} == {0o600}
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o700}
    assert not any("fal" in path.name for path in folder.rglob("*"))


def test_a_process_takes_no_more_than_its_share_while_others_wait(folder: Path) -> None:
    """Who came first does not keep all; once nobody waits it may."""
    greedy, modest, third = Limits(folder), Limits(folder), Limits(folder)
    held = take_all(greedy, "a", 6)
    assert len(held) == 6
    assert modest.try_slot("a", 6) is None  # now it waits
    for slot in held[:3]:
        slot.release()
    assert greedy.try_slot("a", 6) is None  # has its half
    assert len(take_all(modest, "a", 6)) == 3
    assert third.try_slot("a", 6) is None
    held[3].release()
    assert greedy.try_slot("a", 6) is None  # 2 of 6 while two others wait
    first = third.try_slot("a", 6)
    assert first is not None
    modest.close()
    third.close()
    first.release()
    assert greedy.try_slot("a", 6) is not None


def test_one_slot_is_enough_for_everybody_in_turn(folder: Path) -> None:
    """A limit below the number of processes starves nobody: a share is one at least."""
    one, two = Limits(folder), Limits(folder)
    slot = one.try_slot("a", 1)
    assert slot is not None
    assert two.try_slot("a", 1) is None
    slot.release()
    again = one.try_slot("a", 1) or two.try_slot("a", 1)
    assert again is not None
    assert one.try_slot("a", 0) is None  # 0 is read as 1: the slot is taken


HOLDER = """
import sys
from pathlib import Path
from dagcontent.store.limits import Limits
limits = Limits(Path(sys.argv[1]))
slots = [limits.try_slot("a", 4) for _ in range(5)]
print(sum(slot is not None for slot in slots), flush=True)
sys.stdin.readline()
"""


@pytest.mark.slow
def test_kill_9_frees_slots_and_tickets(folder: Path) -> None:
    """With a real process: its slots are free at once, and its place in the line holds nobody up."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        env={"PYTHONPATH": ":".join(sys.path)},
    ) as child:  # fmt: skip
        assert child.stdout is not None
        assert child.stdout.readline() == "4\n"
        mine = Limits(folder)
        assert mine.try_slot("a", 4) is None
        child.kill()
        child.wait()
    assert len(take_all(mine, "a", 4)) == 4
    assert len(list(folder.rglob("ticket-*"))) == 1  # the one of `mine`, which found none in the end


RACER = """
import sys
from pathlib import Path
from dagcontent.store.limits import Limits
limits = Limits(Path(sys.argv[1]))
print("ready", flush=True)
sys.stdin.readline()
print(" ".join(repr(limits.next_at("a", 600, 1000.0)) for _ in range(40)), flush=True)
"""


@pytest.mark.slow
def test_no_moment_is_given_to_two_processes(folder: Path) -> None:
    """Three that ask at once: all moments differ by a tenth of a second at least."""
    racers = [
        subprocess.Popen(
            [sys.executable, "-c", RACER, str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            env={"PYTHONPATH": ":".join(sys.path)},
        )
        for _ in range(3)
    ]  # fmt: skip
    try:
        for one in racers:
            assert one.stdout is not None
            assert one.stdout.readline() == "ready\n"
        said = "".join(one.communicate("go\n")[0] for one in racers)
    finally:
        for one in racers:
            one.kill()
            one.wait()
    moments = sorted(float(word) for word in said.split())
    assert len(moments) == 120
    assert moments[0] == 1000.0
    assert all(after - before > 0.0999 for before, after in itertools.pairwise(moments))
    assert moments[-1] < 1000.0 + 12.0


@given(
    rates=st.lists(st.one_of(st.none(), st.integers(1, 6000)), min_size=1, max_size=20),
    steps=st.lists(st.floats(0, 100), min_size=20, max_size=20),
)
def test_moments_are_never_in_the_past_and_keep_their_distance(
    tmp_path_factory: pytest.TempPathFactory, rates: list[int | None], steps: list[float]
) -> None:
    """Whatever the times at which they are asked for, and the rates that different processes were told."""
    limits = Limits(tmp_path_factory.mktemp("limits"))
    now, last, gap = 1e9, 0.0, 0.0
    for rate, step in zip(rates, steps, strict=False):
        now += step
        at = limits.next_at("a", rate, now)
        assert at >= now
        if rate is not None:
            assert at >= last + gap - 1e-6
            last, gap = at, 60 / rate


def test_a_hold_is_seen_by_all_and_never_shortened(folder: Path) -> None:
    """A vendor's Retry-After is for the account, not for the process that was told."""
    one, two = Limits(folder), Limits(folder)
    assert two.held_until("a") == 0
    one.hold("a", 1060.0)
    one.hold("a", 1030.0)
    assert two.next_at("a", None, 1000.0) == 1060.0
    assert two.held_until("a") == 1060.0
    assert two.next_at("b", None, 1000.0) == 1000.0
    assert two.next_at("a", 60, 1000.0) == 1060.0
    assert one.next_at("a", 60, 1000.0) == 1061.0
    assert one.next_at("a", None, 1100.0) == 1100.0
    one.hold("a", 10**9)
    assert two.next_at("a", None, 1200.0) == 1200.0  # nobody waits for years


def test_a_clock_that_was_wrong_holds_nobody_up(folder: Path) -> None:
    """What was reserved in a future that never came is forgotten."""
    limits = Limits(folder)
    assert limits.next_at("a", 1, 50_000.0) == 50_000.0
    assert limits.next_at("a", 1, 1000.0) == 1000.0
    assert limits.next_at("a", 1, 1000.0) == 1060.0


def test_what_a_vendor_says_counts_if_it_is_less(folder: Path) -> None:
    """In every process, from then on."""
    one, two = Limits(folder), Limits(folder)
    one.learn("a", concurrency=2)
    one.learn("a", per_minute=60)
    one.learn("a", concurrency=2, per_minute=60)
    slots = take_all(two, "a", 10)
    assert len(slots) == 2
    assert [two.next_at("a", None, 100.0), two.next_at("a", 6000, 100.0), two.next_at("a", 6, 100.0)] == [100, 101, 102]
    assert two.next_at("a", None, 100.0) == 112.0


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b'{"free_at_s": "x"}', b"\xff"])
def test_a_damaged_state_is_an_empty_one(folder: Path, data: bytes) -> None:
    """Limits are a courtesy: nothing is lost with them."""
    limits = Limits(folder)
    limits.next_at("a", 60, 1.0)
    (state,) = folder.rglob("state")
    state.write_bytes(data)
    assert limits.next_at("a", 60, 5.0) == 5.0
    assert limits.next_at("a", 60, 5.0) == 6.0


def test_a_folder_that_is_gone_is_an_error_of_ours(tmp_path: Path) -> None:
    """Not a traceback."""
    limits = Limits(tmp_path / "nowhere" / "limits")
    with pytest.raises(StoreError):
        limits.try_slot("a", 1)
    with pytest.raises(StoreError):
        limits.next_at("a", 1, 1.0)
