from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from oracle.paid import QUICK, TABLE, Bench, graph_of, only, spending
from oracle.paid_crashes import Lane

from dagcontent import api
from dagcontent.store.rebuild import rebuild
from dagcontent.store.store import open_store

CALLS = [
    "openai-images.generate",
    "openai-speech",
    "elevenlabs-sound",
    "google-generate.image",
    "openrouter-chat.image",
]
JOBS = [
    "fal-queue-image",
    "elevenlabs-flows.image",
    "google-interactions.video",
    "openrouter-videos",
    "elevenlabs-dubbing",
]
DAMAGE: dict[str, Callable[[bytes], bytes | None]] = {
    "gone": lambda _: None,
    "cut off": lambda data: data[: len(data) // 2],
    "flipped": lambda data: bytes([data[0] ^ 1]) + data[1:],
}


def lose(one: Bench, digest: str | None, how: str = "gone") -> None:
    """Damage a result in the store, and remove what was put out of it."""
    assert digest is not None
    with open_store(one.store, write=False) as store:
        path = store.cas.path_of(digest)
    left = DAMAGE[how](path.read_bytes())
    path.unlink()
    if left is not None:
        path.write_bytes(left)
    shutil.rmtree(one.folder / "out")


def planned(one: Bench) -> list[str]:
    """Return what a plan says of each row."""
    return [row.status for row in api.plan(one.graph, store=one.store, realms=spending(one.vendors).realms).rows]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "how"), [(name, "gone") for name in CALLS] + [(CALLS[0], how) for how in DAMAGE if how != "gone"]
)
def test_what_was_paid_for_and_is_gone_is_not_bought_again_unasked(
    bench: Callable[[str], Bench], name: str, how: str
) -> None:
    """Its node fails and says what to do; nothing is sent. Said yes to, it is bought once; said yes to again, not at all."""
    row = TABLE[name]
    one = bench(graph_of(row))
    lose(one, only(one.build()).digest, how)
    came = len(one.vendors.requests())
    for _ in range(2):
        result = one.build()
        assert (result.status, only(result).status) == ("failed", "failed")
        assert "--repay" in (only(result).hint or "")
        assert "paid for" in (only(result).error or "")
    assert planned(one) == ["repay"]
    assert len(one.vendors.requests()) == came
    agreed = {"repay": frozenset({row.node})}
    assert [only(one.build(**agreed)).status for _ in range(2)] == ["ran", "hit"]
    assert len(one.charges()) == 2
    assert one.build().status == "ok"
    assert (one.folder / "out").is_dir()


def cut(path: Path) -> None:
    """Leave half of a file."""
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def emptied(path: Path) -> None:
    """Leave a file its length, and nothing of its bytes."""
    path.write_bytes(bytes(path.stat().st_size))


def without_database(store: Path) -> None:
    """Lose the database, and make it again of what was written beside it."""
    for path in store.glob("store.db*"):
        path.unlink()
    rebuild(store, crashpoint=lambda _point: None)


LEFT: dict[str, tuple[Callable[[Path], object], str]] = {
    "as it was": (lambda _store: None, "ok"),
    "the database lost": (without_database, "ok"),
    "the answer cut": (lambda store: [cut(path) for path in store.glob("spool/*.answer")], "unresolved"),
    "the answer empty": (lambda store: [emptied(path) for path in store.glob("spool/*.answer")], "unresolved"),
    "the seal cut": (lambda store: [cut(path) for path in store.glob("spool/*.seal")], "unresolved"),
    "the seal gone": (lambda store: [path.unlink() for path in store.glob("spool/*.seal")], "unresolved"),
}


@pytest.mark.slow
def test_a_whole_answer_outlives_the_process_that_read_it() -> None:
    """A picture exists in its answer only. Once that is read, a death before the journal knows of it costs nothing and asks nobody;
    and what is left of an answer that is not provably whole is never a result.
    """
    with Lane(graph_of(TABLE["openai-images.generate"])) as lane:
        lane.undisturbed()
        for how, (leave, status) in LEFT.items():
            lane.begin()
            assert "signal" in lane.build(("paid.answer-on-disk", 1)), how
            assert len(lane.sealed()) == 1, how
            leave(lane.folder / "store")
            made = lane.build()["made"]
            assert (made["status"], made["problems"]) == (status, []), (how, made)
            assert lane.charged_more() == {}, how
            assert lane.outputs() == (lane.expected if status == "ok" else {}), how


@pytest.mark.slow
@pytest.mark.parametrize("name", JOBS)
def test_what_a_vendor_still_keeps_is_fetched_again_free(bench: Callable[[str], Bench], name: str) -> None:
    """A result that is gone here and not there: by its job's id, without a word said and without a charge."""
    one = bench(graph_of(TABLE[name]))
    before = only(one.build()).digest
    lose(one, before)
    result = one.build()
    assert result.status == "ok", only(result)
    assert only(result).digest == before
    assert not only(result).paid
    assert (len(one.charges()), len(one.posts())) == (1, 1)
    assert one.build(seams=api.Seams()).counts["hit"] == 1


@pytest.mark.slow
def test_what_no_vendor_keeps_is_bought_again_only_if_asked(bench: Callable[[str], Bench]) -> None:
    """A job that fal has forgotten: nothing is bought unasked, and once if asked."""
    row = TABLE["fal-queue-image"]
    one = bench(graph_of(row))
    lose(one, only(one.build()).digest)
    one.vendors.set_faults([row.fault("expired") | {"operation": name, "model": ""} for name in ("status", "result")])
    assert one.build().status == "failed"
    assert len(one.posts()) == 1
    one.vendors.set_faults([])
    one.vendors.set(kept_s=0.0)
    assert one.build().status == "failed"
    one.vendors.set(kept_s=1000.0)
    one.vendors.set_faults([row.fault("expired", nth=1) | {"operation": "status", "model": ""}])
    assert one.build(repay=frozenset({row.node})).status == "ok"
    assert (len(one.charges()), len(one.posts())) == (2, 2)


@pytest.mark.slow
def test_a_result_that_expires_before_it_is_fetched_is_said_to_be_paid(bench: Callable[[str], Bench]) -> None:
    """The job is done and its result is kept no longer: it was paid for, is not sent again, and the plan asks."""
    row = TABLE["fal-queue-image"]
    one = bench(graph_of(row))
    one.vendors.set_faults([row.fault("expired") | {"operation": "result", "model": ""}])
    for _ in range(2):
        result = one.build()
        assert (result.status, only(result).status) == ("failed", "failed"), only(result)
        assert "--repay" in (only(result).hint or "")
    assert planned(one) == ["repay"]
    assert len(one.posts()) == 1
    one.vendors.set_faults([])
    assert one.build(repay=frozenset({row.node})).status == "ok"
    assert len(one.posts()) <= 2


@pytest.mark.slow
@pytest.mark.parametrize(("name", "operation"), [("fal-queue-image", "file"), ("openrouter-videos", "videos.content")])
def test_a_download_that_fails_is_made_again(bench: Callable[[str], Bench], name: str, operation: str) -> None:
    """Cut off, reset, refused: fetched anew, within one build or by the next, never bought anew. Until then its job is named."""
    row = TABLE[name]
    faults = [("reset", {"byte": 100}), ("truncated", {"byte": 50}), ("status", {"status": 503}), ("drop", {})]
    for at, (fault, how) in enumerate(faults):
        one = bench(graph_of(row))
        one.vendors.reset()
        rule = {"fault": fault, "vendor": row.vendor, "operation": operation, **how}
        one.vendors.set_faults([rule | ({"nth": [1, 2]} if at % 2 else {})])
        first = only(one.build())
        assert (first.status == "ran", first.job is None) == (bool(at % 2),) * 2, first
        one.vendors.set_faults([])
        assert one.build().status == "ok"
        assert (len(one.charges()), len(one.posts())) == (1, 1)


@pytest.mark.slow
def test_an_id_that_comes_twice_is_one_job(bench: Callable[[str], Bench]) -> None:
    """A vendor that answers two requests with one id: no picture is taken for the other's, nothing is sent again, and a
    person is asked.
    """
    rows = TABLE["fal-queue-image"]
    text = graph_of(rows) + graph_of(rows, edited=True).split("\n", 2)[2].replace(rows.node, "other")
    one = bench(text)
    one.vendors.set_faults([rows.fault("duplicate_id", nth=2)])
    for _ in range(2):
        result = one.build(QUICK, concurrency=1)
        assert sorted(node.status in {"ran", "hit"} for node in result.nodes) == [False, True]
        assert result.status == "unresolved"
    assert len(one.posts()) == 2
