"""Money's narrow places, built for real against fake vendors: what one build leaves and the next one finds."""

from __future__ import annotations

import errno
import time
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import anyio
import pytest
from oracle.paid import PATIENT, QUICK, TABLE, Bench, graph_of, only, spending

from dagcontent import api
from dagcontent.api import vault
from dagcontent.api.files import BesideFiles
from dagcontent.api.wiring import StoreArtifacts
from dagcontent.catalog.model import Model
from dagcontent.errors import BudgetExceeded, InternalError, NodeError
from dagcontent.media import probe
from dagcontent.providers import fal
from dagcontent.store.store import Store, open_store
from dagcontent.testing.vendors.client import FakeVendors
from dagcontent.values.attempt import AttemptState
from dagcontent.values.money import Ceiling
from dagcontent.values.value import Blob

IMAGE = TABLE["fal-queue-image"]


@pytest.fixture(scope="module")
def program() -> Iterator[FakeVendors]:
    """One program of fake vendors for this file."""
    with FakeVendors() as vendors:
        yield vendors


@pytest.fixture
def bench(program: FakeVendors, tmp_path: Path) -> Bench:
    """A folder with one picture of fal's to be bought."""
    program.reset()
    return Bench(program, graph_of(IMAGE), tmp_path)


def states(bench: Bench) -> list[str]:
    """Return the states of all attempts, the oldest first."""
    return [attempt.state.value for attempt in bench.attempts()]


def out_of_memory(path: Path, type: str, media_type: str) -> dict[str, Any]:  # noqa: A002 - the seam's words
    """Stand for a machine that has no memory left to look at a file."""
    raise MemoryError


@pytest.mark.parametrize("refusal", [OSError(errno.EMFILE, "too many open files"), MemoryError()])
def test_what_this_machine_cannot_look_at_now_is_no_charged_failure(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, refusal: Exception
) -> None:
    """A result that cannot be measured for want of files or memory stays in the spool; the next build records it, unpaid."""

    def measure(path: Path, type: str, media_type: str) -> dict[str, Any]:  # noqa: A002 - the seam's word
        if isinstance(refusal, MemoryError):
            raise refusal
        raise NodeError(f"{path.name} is damaged or cut off") from refusal

    monkeypatch.setattr(vault, "measure", measure)
    assert only(bench.build()).status != "ran"
    assert states(bench) == ["spooled"]
    monkeypatch.setattr(vault, "measure", probe.measure)
    assert only(bench.build()).status == "ran"
    assert (states(bench), len(bench.charges())) == (["committed"], 1)


def test_a_spool_that_was_taken_away_is_told_and_not_paid_again(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without its bytes a spooled result is gone: that is said, nothing is sent, and `--repay` buys it."""
    monkeypatch.setattr(vault, "measure", out_of_memory)
    bench.build()
    monkeypatch.setattr(vault, "measure", probe.measure)
    for path in (bench.store / "spool").iterdir():
        path.unlink()
    assert only(bench.build()).status == "failed"
    assert states(bench) == ["expired"]
    assert len(bench.charges()) == 1


def test_an_expired_result_is_paid_again_once_a_person_says_so(bench: Bench) -> None:
    """`--repay` sends what the vendor keeps no longer: once, however often it is said."""
    bench.vendors.set_faults([{"fault": "expired", "vendor": "fal", "operation": "status"}])
    bench.vendors.set_faults([{"fault": "expired", "vendor": "fal", "operation": "result"}], add=True)
    assert only(bench.build()).status == "failed"
    assert states(bench) == ["expired"]
    bench.vendors.set_faults([])
    assert only(bench.build()).status == "failed"
    assert len(bench.charges()) == 1
    repay = frozenset({IMAGE.node})
    assert only(bench.build(repay=repay)).status == "ran"
    assert only(bench.build(repay=repay)).status == "hit"
    assert (states(bench), len(bench.charges())) == (["superseded", "committed"], 2)


def lose_the_blob(bench: Bench) -> None:
    """Remove all that the CAS has, and what the memo of the last build rests on."""
    for place in (bench.store / "cas", bench.store / "memo"):
        for path in place.rglob("*"):
            if path.is_file():
                path.unlink()


def test_a_lost_result_is_fetched_again_where_the_vendor_has_it(bench: Bench) -> None:
    """Bytes that are gone come back by the job's id: nothing is sent, and nobody is asked."""
    assert only(bench.build()).status == "ran"
    lose_the_blob(bench)
    result = bench.build()
    assert (result.status, len(bench.charges()), len(bench.posts())) == ("ok", 1, 1)


def test_a_vendor_that_cannot_be_asked_now_is_not_paid_again(bench: Bench) -> None:
    """`--repay` is for what is gone, not for what cannot be fetched at the moment."""
    assert only(bench.build()).status == "ran"
    lose_the_blob(bench)
    bench.vendors.set_faults([{"fault": "status", "vendor": "fal", "operation": "status", "status": 503}])
    result = bench.build(repay=frozenset({IMAGE.node}))
    assert (result.status, len(bench.charges())) == ("failed", 1)
    bench.vendors.set_faults([])
    assert (bench.build().status, len(bench.charges())) == ("ok", 1)


def test_a_result_paid_again_takes_its_place_though_another_build_fetches_it(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What `--repay` sent in a build that was cut off replaces the lost record when the next one goes on with it."""
    assert only(bench.build()).status == "ran"
    lose_the_blob(bench)
    bench.vendors.set_faults([{"fault": "expired", "vendor": "fal", "operation": "result", "times": 2}])
    monkeypatch.setattr(vault, "measure", out_of_memory)
    bench.build(repay=frozenset({IMAGE.node}))
    assert states(bench) == ["committed", "spooled"]
    monkeypatch.setattr(vault, "measure", probe.measure)
    assert bench.build().status == "ok"
    assert bench.build().status == "ok"
    assert (states(bench), len(bench.charges())) == (["committed", "committed"], 2)
    assert bench.attempts()[0].state is AttemptState.COMMITTED


def test_a_ceiling_for_one_vendor_holds(bench: Bench) -> None:
    """What `[budget.provider.fal]` allows is not exceeded; what is for another vendor is not looked at."""
    others = Ceiling("run", 1, "per_run_usd", "openai")
    result = bench.build(ceilings=[others, Ceiling("day", 1, "provider.fal.per_day_usd", "fal")])
    assert (result.status, len(bench.posts())) == ("budget", 0)
    assert bench.build(ceilings=[others]).status == "ok"


def test_a_result_is_there_though_its_model_has_ended(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was paid for is used, and what is under way is fetched, after the day on which its model ended; nothing is sent."""
    assert only(bench.build()).status == "ran"

    def gone(_model: Model, today: date | None) -> bool:
        return today not in {None, date.min}

    monkeypatch.setattr(Model, "gone", gone)
    assert only(bench.build(seams=api.Seams())).status == "hit"
    bench.write(graph_of(IMAGE, edited=True))
    ended = only(bench.build())
    assert (ended.status, len(bench.posts())) == ("failed", 1)
    assert "retired" in (ended.error or "")
    monkeypatch.undo()
    monkeypatch.setattr(vault, "measure", out_of_memory)
    bench.build()
    monkeypatch.setattr(vault, "measure", probe.measure)
    monkeypatch.setattr(Model, "gone", gone)
    assert states(bench)[-1] == "spooled"
    assert only(bench.build()).status == "ran"
    assert len(bench.charges()) == 2


def test_what_was_never_sent_is_not_bought_without_anybodys_word(bench: Bench) -> None:
    """A build to which nobody agreed goes on with what is under way; if that never was, it sends nothing in its place."""
    bench.write(graph_of(IMAGE).replace("output =", 'timeout = "0.05s"\noutput ='))
    bench.vendors.set_faults([IMAGE.fault("drop", when="before")])
    bench.build(QUICK)
    bench.vendors.set_faults([])
    assert states(bench) == ["intent"]
    end = time.monotonic() + 20
    while states(bench) == ["intent"] and time.monotonic() < end:
        bench.build(QUICK, budget_microusd=None)
    assert (states(bench), bench.charges()) == (["released"], [])
    with pytest.raises(BudgetExceeded):
        bench.build(QUICK, budget_microusd=None)
    bench.write(graph_of(IMAGE))
    assert (only(bench.build()).status, len(bench.charges())) == ("ran", 1)


def test_a_fault_of_ours_cuts_off_no_other_call(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """What fails unforeseen in one attempt stops the build in order: an answer that others wait for is read and kept."""
    other = TABLE["openai-images.generate"]
    bench.write(graph_of(IMAGE, other))
    bench.vendors.set_faults([other.fault("delay", at="replying", seconds=1.0)])

    def odd(_answer: object) -> None:
        raise KeyError("odd")

    monkeypatch.setattr(fal, "read_status", odd)
    with pytest.raises(InternalError, match="odd"):
        bench.build()
    assert sorted(states(bench)) == ["committed", "submitted"]
    monkeypatch.undo()
    assert (bench.build().status, len(bench.charges())) == ("ok", 2)


@pytest.mark.parametrize("name", ["elevenlabs-speech", "openai-chat", "fal-queue-image"])
@pytest.mark.parametrize("ahead_s", [300, -300])
def test_a_clock_that_is_wrong_buys_nothing_twice(bench: Bench, name: str, ahead_s: int) -> None:
    """A lost answer is found though this machine's clock is five minutes from its vendor's."""
    row = TABLE[name]
    bench.write(graph_of(row))
    bench.vendors.set_faults([row.fault("drop", nth=1)])
    seams = api.Seams(now_ms=lambda: time.time_ns() // 1_000_000 + ahead_s * 1000)
    assert bench.build({**PATIENT, "send_s": 0.5}, seams=seams).status == "ok"
    assert len(bench.charges()) == 1


def test_a_question_that_fails_is_no_failure_of_the_job(bench: Bench) -> None:
    """A 500 to a finished job that says nothing of the job frees nothing: it is asked for again, and not bought again."""
    bench.vendors.set_faults([{"fault": "status", "vendor": "fal", "operation": "result", "status": 500}])
    assert only(bench.build()).status != "ran"
    assert states(bench) == ["submitted"]
    bench.vendors.set_faults([])
    assert (bench.build().status, len(bench.charges())) == ("ok", 1)


def test_no_credential_of_an_answer_is_written_down(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Headers that may let somebody in are neither in the journal nor in any other file of the store."""
    row = TABLE["openai-images.generate"]
    bench.write(graph_of(row))
    canary = "canary-5f0c7a11e2"
    names = ("X-Session-Token", "Set-Cookie", "Authorization", "Location", "X-Api-Key")
    rule = row.fault("duplicate_headers", headers=[(name, canary) for name in names])
    bench.vendors.set_faults([rule])
    monkeypatch.setattr(vault, "measure", out_of_memory)
    bench.build()
    assert states(bench) == ["spooled"]
    kept = bench.attempts()[0].spool["answer"]["headers"]
    assert "content-type" in kept
    found = [path for path in bench.store.rglob("*") if path.is_file() and canary.encode() in path.read_bytes()]
    assert found == []


def test_after_the_first_failure_nothing_that_waits_is_sent(bench: Bench) -> None:
    """With `fail_fast` what stands in line is not bought any more: it is as if the build had been told to stop."""
    other = TABLE["fal-queue-video"]
    bench.write(graph_of(IMAGE, other))
    bench.vendors.set_faults(
        [
            IMAGE.fault("status", status=422),
            IMAGE.fault("delay", at="registering", seconds=0.5),
            other.fault("status", status=429, retry_after=3, nth=1),
        ]
    )
    result = api.build(bench.graph, store=bench.store, fail_fast=True, spending=spending(bench.vendors))
    assert result.status == "failed"
    assert (len(bench.posts()), bench.charges()) == (2, [])


def test_an_upload_of_one_account_is_not_named_to_another(tmp_path: Path) -> None:
    """Where a vendor keeps a file is known for the account that put it there."""
    sent: list[bytes] = []

    async def upload(data: bytes, _media_type: str) -> tuple[str, int]:
        sent.append(data)
        return f"place-{len(sent)}", 10**15

    async def work(store: Store) -> list[str]:
        artifacts = StoreArtifacts(store, BesideFiles(tmp_path, store.side))
        digest, size = store.cas.put_bytes(b"bytes")
        blob = Blob(digest, "image", "image/png", size, {})
        accounts = ["fal//one", "fal//two", "fal//one"]
        files = [vault.StoreFiles(store, artifacts, "fal", account, lambda: 0) for account in accounts]
        return [await one.uploaded(blob, upload) for one in files]

    with open_store(tmp_path / "store") as store:
        assert anyio.run(work, store) == ["place-1", "place-2", "place-1"]
