"""A disk that is full, really: nothing is bought without room for it, and what is on its way is kept."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from kills.cases import CASES, GATE, Case, judge
from kills.lanes import Lanes
from kills.zygote import ALONE

from dagcontent.store.spool import Ballast

MIB = 1 << 20


def _no_small_disk() -> str:
    if shutil.which(ALONE[0]) is None:
        return "unshare is not installed"
    asked = subprocess.run([*ALONE, "mount -t tmpfs -o size=1m none /mnt"], capture_output=True, text=True, check=False)
    return f"no small file system can be mounted: {asked.stderr.strip()[:200]}" if asked.returncode else ""


needs_small_disk = pytest.mark.skipif(bool(_no_small_disk()), reason=_no_small_disk())


@pytest.mark.slow
@needs_small_disk
def test_nothing_is_bought_where_there_is_no_room_for_the_answer() -> None:
    """The first intent takes room for what may come; where there is none, nothing is sent. With room, all of it is."""
    with Lanes(GATE, 1, disk_mib=96) as lanes:
        lane = lanes.lanes[0]
        lane.anew()
        place = {"place": str(lane.zygote.disk)}
        more = {"store": str(lane.zygote.disk / "store")}
        lane.zygote.ask(do="fill", leave=32 * MIB, **place)
        said = lane.zygote.ask(**lane.command(do="build", **more))
        assert said["status"] == "error", said
        assert said["error"].startswith("StoreFull"), said
        assert len(lane.vendors.ledger()) == lane.before
        lane.zygote.ask(do="free", **place)
        told, stderr, charges = lane.finished(**more)
    assert judge(GATE, told, charges, stderr=stderr).wrong == []
    assert len(charges) == 4


@pytest.mark.slow
@needs_small_disk
@pytest.mark.parametrize(
    ("name", "point"),
    [("gate", "paid.intended"), ("gate", "paid.headers"), ("gate", "paid.spooled"), ("chained", "paid.headers")],
)
def test_what_is_under_way_when_the_disk_fills_up_is_kept(name: str, point: str) -> None:
    """Room that was held back is given up for what was paid; nothing new is sent without it, and with room again the next
    build has everything.
    """
    case: Case = CASES[name]
    with Lanes(case, 1, disk_mib=96) as lanes:
        lane = lanes.lanes[0]
        place = {"place": str(lane.zygote.disk)}
        more = {"store": str(lane.zygote.disk / "store")}
        child = lane.held(point, **more)
        assert child.is_held
        lane.zygote.ask(do="fill", leave=0, **place)
        child.go_on()
        said = child.end()
        assert said is not None, child.stderr
        sent = len(lane.vendors.ledger()) - lane.before
        lane.zygote.ask(do="free", **place)
        told, stderr, charges = lane.finished(**more)
        stderr += child.stderr
    verdict = judge(case, told, charges, stderr=stderr)
    assert verdict.wrong == []
    assert verdict.unresolved == 0, told["before"]
    assert said["status"] == "ok" or said["error"].startswith("StoreFull"), said
    if name == "chained":  # what hangs on the first answer is new
        assert (sent, said["status"]) == (1, "error"), said


def test_room_that_another_gave_back_is_room(tmp_path: Path) -> None:
    """Of several that find the disk full at one moment, one gives the held room back; the others go on with it too."""
    ballast = Ballast(tmp_path / "ballast", size=MIB)
    ballast.hold()
    assert ballast.release()
    assert ballast.release()  # there is room on this disk, whoever made it
    ballast.close()


@pytest.mark.slow
def test_writes_that_take_less_than_was_given_lose_nothing() -> None:
    """Every write of ours takes seven bytes at once: the same files come of it."""
    with Lanes(GATE, 1) as lanes:
        lane = lanes.lanes[0]
        sizes = []
        for more in ({}, {"short": 7}):
            lane.anew()
            said = lane.zygote.ask(**lane.command(do="build", **more))
            assert said["status"] == "ok", said
            sizes.append({name: size for name, size in said["outputs"].items() if not name.startswith("clip")})
            told, stderr, charges = lane.finished()
            assert judge(GATE, told, charges, stderr=stderr).wrong == []
    assert sizes[0] == sizes[1]
    assert len(sizes[0]) == 3
