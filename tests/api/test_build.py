"""What a caller of `build` gets: typed results, events in order, an end in time."""

from __future__ import annotations

import asyncio
import errno
import json
import os
import shutil
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from oracle.builds import Built, new_folder, records
from oracle.processes import start

from dagcontent import api
from dagcontent.errors import ConfigError, GraphError
from dagcontent.run.events import BuildFinished, BuildStarted, NodeFinished, NodeStarted, OutputPlaced
from dagcontent.testing import Ledger

GRAPH = """
[graph]
name = "little"
[params]
word = "hello"
[each]
n = ["x", "yy", "z z"]
[node.a]
kind = "test.echo"
each = "n"
text = "${params.word} ${n}"
[node.b]
kind = "test.modulo"
each = "n"
text = "${a[n]}"
[node.bad]
kind = "test.fail"
text = "123"
[node.after]
kind = "test.upper"
text = "${bad}"
[node.none]
kind = "test.upper"
when = false
text = "never"
[node.sound]
kind = "test.sound"
text = "${b}"
output = "sound"
"""


@pytest.fixture
def folder() -> Iterator[Path]:
    made = new_folder()
    (made / "graph.toml").write_text(GRAPH, encoding="utf-8")
    yield made
    shutil.rmtree(made)


def test_a_result_says_what_became_of_every_instance(folder: Path) -> None:
    """Statuses, counts, errors with hints, who blocked whom, and where the outputs are."""
    result = Built(folder / "graph.toml", folder / "store").result
    rows = {node.node: node for node in result.nodes}
    assert {name: node.status for name, node in rows.items()} == {
        "a[x]": "ran", "a[yy]": "ran", "a[2]": "ran", "b[x]": "ran", "b[yy]": "ran", "b[2]": "ran", "bad": "failed",
        "after": "blocked", "none": "skipped", "sound": "ran",
    }  # fmt: skip
    assert rows["bad"].error == "cannot do 123"
    assert rows["bad"].hint == "another text"
    assert rows["after"].by == "bad"
    assert [node.node for node in result.failed] == ["bad"]
    assert result.status == "failed"
    assert result.graph == "little"
    assert result.run
    assert sum(result.counts[s] for s in ("hit", "ran", "cutoff", "skipped", "failed", "blocked")) == len(result.nodes)
    assert result.outputs == (("sound", str(folder / "out" / "sound.wav")),)
    document = result.document()
    assert document["outputs"] == {"sound": str(folder / "out" / "sound.wav")}
    assert document["run"] == result.run


def test_a_change_that_changes_nothing_below_is_cut_off(folder: Path) -> None:
    """`b` comes out as before, so `sound` is a hit though everything above it ran: early cutoff, and said so."""
    graph, store = folder / "graph.toml", folder / "store"
    Built(graph, store)
    graph.write_text(GRAPH.replace('"hello"', '"howdy"'), encoding="utf-8")
    built = Built(graph, store)
    assert {n: s for n, s in built.status.items() if s == "ran"}.keys() == {
        "a[x]",
        "a[yy]",
        "a[2]",
        "b[x]",
        "b[yy]",
        "b[2]",
    }
    assert built.status["sound"] == "cutoff"
    assert built.result.counts["cutoff"] == 1


def test_events_come_in_order(folder: Path) -> None:
    """Started first, finished last; each node that starts finishes, and outputs are placed after what made them."""
    events = Built(folder / "graph.toml", folder / "store", jobs=3).events
    assert isinstance(events[0], BuildStarted)
    assert isinstance(events[-1], BuildFinished)
    assert sum(isinstance(e, BuildStarted | BuildFinished) for e in events) == 2
    running: set[str] = set()
    for event in events:
        if isinstance(event, NodeStarted):
            assert event.node not in running
            running.add(event.node)
        elif isinstance(event, NodeFinished):
            running.remove(event.node)
            assert (event.status == "failed") == (event.error is not None)
        elif isinstance(event, OutputPlaced):
            assert not running
            assert event.changed
    assert not running
    times = [event.at_s for event in events]
    assert times == sorted(times)
    assert events[0].run == events[0].run != ""
    assert events[0].graph == "little"
    assert events[-1].counts["failed"] == 1


def test_a_build_with_nothing_to_do_has_a_beginning_and_an_end(folder: Path) -> None:
    """Listeners need no special case: the same two events frame it."""
    graph = folder / "graph.toml"
    graph.write_text(GRAPH.replace('"123"', '"1234"'), encoding="utf-8")
    Built(graph, folder / "store")
    again = Built(graph, folder / "store")
    assert again.calls == {}
    assert [type(e) for e in again.events if not isinstance(e, OutputPlaced)] == [BuildStarted, BuildFinished]
    assert again.result.outputs == (("sound", str(folder / "out" / "sound.wav")),)


def test_targets_build_what_they_need_and_nothing_else(folder: Path) -> None:
    """A target's name with labels chooses instances; what it does not need stays unbuilt, and its failures unknown."""
    built = Built(folder / "graph.toml", folder / "store", targets=["b[yy]"])
    assert {n: s for n, s in built.status.items() if s == "ran"}.keys() == {"a[yy]", "b[yy]"}
    assert built.result.status == "ok"


def test_unknown_targets_and_broken_graphs_are_said_before_anything_runs(folder: Path) -> None:
    """The right exception, with its exit code, and no store that was written to."""
    with pytest.raises(ConfigError, match="nope"):
        Built(folder / "graph.toml", folder / "store", targets=["nope"])
    (folder / "graph.toml").write_text(GRAPH.replace("${a[n]}", "${aa[n]}"), encoding="utf-8")
    with pytest.raises(GraphError) as caught:
        Built(folder / "graph.toml", folder / "store")
    assert caught.value.exit_code == 2
    assert caught.value.mistakes
    assert records(folder / "store") == {}


def test_the_asynchronous_functions_do_the_same_in_the_callers_loop(folder: Path) -> None:
    """A program with a loop of its own neither starts another nor blocks its own."""
    from oracle import kinds

    seams = api.Seams(registry=kinds.registry(lambda _: None))

    async def program() -> tuple[api.Plan, api.BuildResult, api.BuildResult]:
        plan = await api.aplan(folder / "graph.toml", store=folder / "store")
        first = await api.abuild(folder / "graph.toml", store=folder / "store", seams=seams)
        return plan, first, await api.abuild(folder / "graph.toml", store=folder / "store", seams=seams)

    plan, first, second = asyncio.run(program())
    planned = {row.node for row in plan.rows if row.status in {"run", "maybe"}}
    assert {n.node for n in first.nodes if n.status == "ran"} <= planned
    assert second.counts["ran"] == 0


def test_renaming_and_reordering_make_nothing_anew(folder: Path) -> None:
    """A key holds what is meant, not what it is called or where it stands."""
    graph, store = folder / "graph.toml", folder / "store"
    Built(graph, store)
    text = (
        GRAPH.replace("[node.a]", "[node.first]").replace("${a[n]}", "${first[n]}").replace("[node.b]", "[node.second]")
    )
    text = text.replace("${b}", "${second}").replace('["x", "yy", "z z"]', '["z z", "x", "yy"]')
    graph.write_text(text.replace('text = "${second}"', 'text = "${second[*]}"'), encoding="utf-8")
    built = Built(graph, store)
    assert {n for n, s in built.status.items() if s == "ran"} <= {"sound"}  # it joins them in their order


def test_there_and_back_again_is_free(folder: Path) -> None:
    """A -> B -> A: every result is kept, so the way back costs nothing."""
    graph, store = folder / "graph.toml", folder / "store"
    graph.write_text(GRAPH.replace('"123"', '"1234"'), encoding="utf-8")
    first = Built(graph, store)
    graph.write_text(GRAPH.replace('"hello"', '"other words"').replace('"123"', '"1234"'), encoding="utf-8")
    assert Built(graph, store).calls
    graph.write_text(GRAPH.replace('"123"', '"1234"'), encoding="utf-8")
    back = Built(graph, store)
    assert back.calls == {}
    assert {n.node: n.digest for n in back.result.nodes} == {n.node: n.digest for n in first.result.nodes}


def test_cache_run_is_made_again_in_every_run_that_follows_a_finished_one(folder: Path) -> None:
    """`cache = "run"`: fresh each time; an unfinished build keeps its epoch, and dependants go by content."""
    graph, store = folder / "graph.toml", folder / "store"
    text = """
[graph]
name = "fresh"
[node.now]
kind = "test.upper"
text = "now"
cache = "run"
[node.then]
kind = "test.echo"
text = "${now}"
[node.bad]
kind = "test.fail"
text = "TEXT"
"""
    graph.write_text(text.replace("TEXT", "1"), encoding="utf-8")
    assert {n for n, s in Built(graph, store).status.items() if s == "ran"} == {"now", "then", "bad"}
    second = Built(graph, store)
    assert {n for n, s in second.status.items() if s == "ran"} == {"now"}
    assert second.status["then"] == "cutoff"
    graph.write_text(text.replace("TEXT", "123"), encoding="utf-8")
    assert Built(graph, store).status["now"] == "ran"
    unfinished = Built(graph, store)
    assert unfinished.status["now"] == "hit", "the build before did not finish: its epoch goes on"


# --- Ctrl-C

HELD = """
[graph]
name = "held"
[node.quick]
kind = "test.upper"
text = "quick"
[node.slow]
kind = "test.echo"
text = "a program behind the gate after ${quick}"
[node.last]
kind = "test.upper"
text = "${slow}"
output = "last"
"""


@pytest.mark.slow
@pytest.mark.parametrize("what", ["program", "thread"])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_one_ctrl_c_stops_within_two_seconds_and_keeps_what_is_finished(folder: Path, number: int, what: str) -> None:
    """A program that runs is killed, a thread that works is left behind; the next build goes on where this one was."""
    text = HELD if what == "program" else HELD.replace("program", "thread")
    (folder / "graph.toml").write_text(text, encoding="utf-8")
    for name in ("gate", "reached"):
        os.mkfifo(folder / name)
    ledger = Ledger(folder / "ledger")
    process = start(
        folder / "graph.toml", folder / "store", ledger.path, folder / "gate", folder / "reached", signals=True
    )
    assert "behind the gate after QUICK" in (folder / "reached").read_text()
    began = time.monotonic()
    process.send_signal(number)
    assert process.stdout is not None
    made = json.loads(process.stdout.readline())
    assert time.monotonic() - began < 2
    if what == "thread":  # it does not hold the build, only the interpreter's end
        (folder / "gate").write_text("go")
    process.communicate(timeout=30)
    assert made["status"] == "interrupted"
    assert made["counts"]["ran"] == 1
    assert not (folder / "out").exists()
    again = Built(folder / "graph.toml", folder / "store")
    assert again.result.status == "ok"
    assert again.status == {"quick": "hit", "slow": "ran", "last": "ran"}


@pytest.mark.slow
def test_a_second_ctrl_c_ends_at_once(folder: Path) -> None:
    """Somebody in a hurry is obeyed: what is durable is durable."""
    (folder / "graph.toml").write_text(HELD.replace("program", "thread"), encoding="utf-8")
    for name in ("gate", "reached"):
        os.mkfifo(folder / name)
    process = start(
        folder / "graph.toml", folder / "store", folder / "ledger", folder / "gate", folder / "reached", signals=True
    )
    assert "behind the gate after QUICK" in (folder / "reached").read_text()
    process.send_signal(signal.SIGINT)
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=30)
    assert process.returncode in {130, 0}
    assert Built(folder / "graph.toml", folder / "store").status["quick"] == "hit"


def test_a_file_of_ours_that_was_placed_and_not_written_down_is_no_edit(folder: Path) -> None:
    """Killed between the two, or copied with its folder: the store holds those bytes, so nothing is lost by replacing them."""
    graph, store = folder / "graph.toml", folder / "store"
    ((_, placed),) = Built(graph, store).result.outputs
    path = Path(placed)
    before = path.read_bytes()
    graph.write_text(GRAPH.replace('"z z"]', '"z z", "w"]'), encoding="utf-8")
    Built(graph, store)
    after = path.read_bytes()
    assert after != before
    path.write_bytes(before)  # as a copy of the folder would bring it back
    assert Built(graph, store).status["sound"] == "hit"
    assert path.read_bytes() == after
    path.write_bytes(b"mine")
    assert "edited" in next(n.error or "" for n in Built(graph, store).result.nodes if n.node == "sound")
    assert path.read_bytes() == b"mine"


def test_a_build_with_nothing_to_do_says_by_whom_fallbacks_are_served(tmp_path: Path) -> None:
    """The quick answer of an unchanged graph says what the first build said."""
    graph, store = tmp_path / "graph.toml", tmp_path / "store"
    graph.write_text(
        '[graph]\nname = "f"\n[node.a]\nkind = "image.generate"\nmodel = "local/card"\nprompt = "x"\nsize = "16x16"\n'
        '[node.b]\nkind = "fallback"\nof = ["${a}"]\n',
        encoding="utf-8",
    )
    first, again = (api.build(graph, store=store) for _ in range(2))
    assert (first.run != "", again.run) == (True, "")
    assert [(one.node, one.by, one.position) for one in first.served] == [("b", "a", 0)]
    assert again.served == first.served


def test_an_output_that_cannot_be_looked_at_fails_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk that answers with an error where a file was to be placed: its node says so, and nothing else is lost."""
    graph, store = tmp_path / "graph.toml", tmp_path / "store"
    graph.write_text(
        '[graph]\nname = "o"\n[node.a]\nkind = "text.template"\ntext = "a"\noutput = "a"\n'
        '[node.b]\nkind = "text.template"\ntext = "b"\noutput = "b"\n',
        encoding="utf-8",
    )
    look = Path.lstat

    def refused(path: Path) -> os.stat_result:
        if path.name == "a.txt":
            raise OSError(errno.EIO, "Input/output error")
        return look(path)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "lstat", refused)
        result = api.build(graph, store=store)
    assert result.status == "failed"
    assert [(node.node, node.error) for node in result.nodes if node.status == "failed"] == [
        ("a", f"{tmp_path / 'out' / 'a.txt'} cannot be looked at: Input/output error")
    ]
    assert (tmp_path / "out" / "b.txt").read_text() == "b\n"
    assert api.build(graph, store=store).status == "ok"
