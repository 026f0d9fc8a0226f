"""Bytes that are not what they were, and places that cannot be written: made again or said, never served."""

from __future__ import annotations

import os
import resource
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from oracle.builds import Built, new_folder
from oracle.processes import ended, start

from dagcontent import api
from dagcontent.errors import DagcontentError, StoreError, UsageError
from dagcontent.store.store import open_store

GRAPH = """
[graph]
name = "damage"
[each]
n = ["a", "b", "c"]
[node.sound]
kind = "test.sound"
each = "n"
text = "note ${n}"
output = "${label.n}"
[node.heard]
kind = "test.listen"
sounds = "${sound}"
seconds = "${sound[0].duration}"
output = "heard"
"""


@pytest.fixture
def folder() -> Iterator[Path]:
    made = new_folder()
    (made / "graph.toml").write_text(GRAPH, encoding="utf-8")
    yield made
    for path in made.rglob("*"):
        if path.is_dir():
            path.chmod(0o700)
    shutil.rmtree(made)


def outputs(folder: Path) -> dict[str, bytes]:
    return {p.name: p.read_bytes() for p in (folder / "out").iterdir()}


def blobs(folder: Path) -> list[Path]:
    return sorted(p for p in (folder / "store" / "cas").glob("*/*") if p.is_file())


_FLIPPED = bytes(byte ^ 1 for byte in range(256))


def damage(path: Path, how: str) -> None:
    path.chmod(0o600)
    data = path.read_bytes()
    if how == "delete":
        path.unlink()
        return
    info = path.stat()
    path.write_bytes(
        {
            "flip": bytes([*data[:1], 0][:1]).translate(_FLIPPED) + data[1:],
            "truncate": data[:-1],
            "empty": b"",
            "longer": data + b"!",
        }[how]
    )
    os.utime(path, ns=(info.st_atime_ns, info.st_mtime_ns))
    path.chmod(0o444)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    damaged=st.lists(
        st.tuples(st.integers(0, 2), st.sampled_from(["delete", "flip", "truncate", "empty", "longer"])),
        min_size=1,
        max_size=3,
    ),
    gone=st.lists(st.integers(0, 3), max_size=4),
    edited=st.booleans(),
)
def test_damaged_artifacts_are_made_again_and_never_reach_an_output(
    damaged: list[tuple[int, str]], gone: list[int], edited: bool
) -> None:
    """Whatever is damaged between two builds, the outputs are what they were, and the store is whole afterwards."""
    folder = new_folder()
    graph, store = folder / "graph.toml", folder / "store"
    try:
        graph.write_text(GRAPH, encoding="utf-8")
        assert Built(graph, store).result.status == "ok"
        whole = outputs(folder)
        for which, how in damaged:
            path = blobs(folder)[which % len(blobs(folder))] if blobs(folder) else None
            if path is not None:
                damage(path, how)
        for which in gone:
            (folder / "out" / sorted(whole)[which]).unlink(missing_ok=True)
        if edited:  # something must read the artifacts again
            graph.write_text(GRAPH.replace('seconds = "${sound[0].duration}"', "seconds = 2"), encoding="utf-8")
            whole["heard.txt"] = whole["heard.txt"].replace(b"for 1.2", b"for 2.0")
        built = Built(graph, store)
        assert built.result.status == "ok"
        assert outputs(folder) == whole
        assert max(built.calls.values(), default=0) <= 1
        assert Built(graph, store).calls == {}
    finally:
        shutil.rmtree(folder)


@pytest.mark.parametrize("how", ["delete", "flip", "truncate"])
def test_a_damaged_artifact_is_made_again_for_its_output(folder: Path, how: str) -> None:
    """The blob of one output is damaged and the output removed: the one node runs, and no other."""
    graph, store = folder / "graph.toml", folder / "store"
    first = Built(graph, store)
    digest = next(n.digest for n in first.result.nodes if n.node == "sound[b]")
    assert digest is not None
    damage(store / "cas" / digest[:2] / digest[2:], how)
    (folder / "out" / "b.wav").unlink()
    again = Built(graph, store)
    assert again.result.status == "ok"
    assert [n.node for n in again.result.nodes if n.status == "ran"] == ["sound[b]"]
    assert (folder / "out" / "b.wav").read_bytes() == b"sound:note b"
    with open_store(store) as opened:
        assert opened.verify().problems == []


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_store_without_the_right_to_write_is_a_clear_error(folder: Path) -> None:
    """Said before anything runs, with the place and a way out."""
    (folder / "store").mkdir(mode=0o500)
    with pytest.raises(StoreError, match="store") as caught:
        Built(folder / "graph.toml", folder / "store")
    assert caught.value.hint
    assert not (folder / "out").exists()


def test_a_store_that_is_a_file_is_a_clear_error(folder: Path) -> None:
    """A slip in `--store` must not cost the file that it names."""
    (folder / "store").write_text("mine", encoding="utf-8")
    with pytest.raises(StoreError) as caught:
        Built(folder / "graph.toml", folder / "store")
    assert caught.value.hint
    assert (folder / "store").read_text(encoding="utf-8") == "mine"


@pytest.mark.slow
@pytest.mark.parametrize("limit", [40_000, 120_000, 200_000])
def test_a_full_disk_is_a_clear_error_and_leaves_nothing_half_written(folder: Path, limit: int) -> None:
    """The disk fills up in the middle of a build (here: no file may grow beyond a limit): StoreFull with a hint, no
    output that is not whole, and with room again the next build succeeds.
    """
    (folder / "song.txt").write_text("la " * 30_000, encoding="utf-8")
    big = GRAPH.replace("note ${n}", "note ${n} ${params.song}") + '[params]\nsong = { file = "song.txt" }\n'
    (folder / "graph.toml").write_text(big, encoding="utf-8")
    old = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, old[1]))
    try:
        process = start(folder / "graph.toml", folder / "store", folder / "ledger")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, old)
    made = ended(process)
    if "error" in made:
        assert made["error"] in {"StoreFull", "StoreError"}, made
        assert made["hint"]
        assert made["exit"] == 1
    else:
        assert made["status"] == "ok"
    for path in (folder / "out").glob("*"):
        assert path.suffix == ".txt" or path.read_bytes().startswith(b"sound:note " + path.stem.encode() + b" la la")
        assert path.suffix == ".txt" or path.stat().st_size > 90_000
    assert Built(folder / "graph.toml", folder / "store").result.status == "ok"


def test_an_output_that_was_edited_by_hand_is_not_overwritten(folder: Path) -> None:
    """Somebody's work is worth more than our copy, unless they say otherwise."""
    graph, store = folder / "graph.toml", folder / "store"
    Built(graph, store)
    target = folder / "out" / "heard.txt"
    target.write_text("mine\n", encoding="utf-8")
    graph.write_text(GRAPH.replace("note", "tone"), encoding="utf-8")
    built = Built(graph, store)
    assert built.result.status == "failed"
    (failed,) = built.result.failed
    assert failed.node == "heard"
    assert "--overwrite-outputs" in str(failed.hint)
    assert target.read_text(encoding="utf-8") == "mine\n"
    assert (folder / "out" / "a.wav").read_bytes() == b"sound:tone a"
    again = Built(graph, store, overwrite_outputs=True)
    assert again.result.status == "ok"
    assert again.calls == {}
    assert target.read_text(encoding="utf-8").startswith("heard sound:tone a")


def test_an_output_edited_by_hand_is_not_overwritten_when_nothing_else_changed(folder: Path) -> None:
    """The same where a memo could answer: a file that is not as we left it is looked at."""
    graph, store = folder / "graph.toml", folder / "store"
    Built(graph, store)
    target = folder / "out" / "heard.txt"
    target.write_text("mine\n", encoding="utf-8")
    assert Built(graph, store).result.status == "failed"
    assert target.read_text(encoding="utf-8") == "mine\n"
    target.unlink()
    assert Built(graph, store).result.status == "ok"
    assert target.read_text(encoding="utf-8").startswith("heard")


def test_a_file_that_was_there_before_us_is_not_overwritten(folder: Path) -> None:
    """The first build finds a file of that name: it is not ours."""
    (folder / "out").mkdir()
    (folder / "out" / "heard.txt").write_text("theirs", encoding="utf-8")
    assert Built(folder / "graph.toml", folder / "store").result.status == "failed"
    assert (folder / "out" / "heard.txt").read_text(encoding="utf-8") == "theirs"


def test_a_link_in_the_output_folder_is_not_written_through(folder: Path) -> None:
    """An output replaces a link at most when asked; what the link leads to is never touched."""
    (folder / "out").mkdir()
    secret = folder / "secret.txt"
    secret.write_text("secret", encoding="utf-8")
    (folder / "out" / "heard.txt").symlink_to(secret)
    assert Built(folder / "graph.toml", folder / "store").result.status == "failed"
    assert Built(folder / "graph.toml", folder / "store", overwrite_outputs=True).result.status == "ok"
    assert secret.read_text(encoding="utf-8") == "secret"
    assert stat.S_ISREG((folder / "out" / "heard.txt").lstat().st_mode)


@pytest.mark.parametrize("name", ["../x", "/etc/x", "a/../../x", "..", "x/"])
def test_an_output_outside_the_output_folder_is_a_mistake(folder: Path, name: str) -> None:
    """Said when the graph is read: nothing is run."""
    (folder / "graph.toml").write_text(GRAPH.replace('output = "heard"', f'output = "{name}"'), encoding="utf-8")
    with pytest.raises(UsageError):
        Built(folder / "graph.toml", folder / "store")
    assert not (folder / "store").exists() or blobs(folder) == []


@pytest.mark.parametrize("label", ["..", "../../x", "/etc/x", ".", "a/b", "\\\\", "é"])
def test_a_label_cannot_lead_an_output_elsewhere(folder: Path, label: str) -> None:
    """What a reference puts into a name can neither leave the folder nor make folders in it."""
    (folder / "graph.toml").write_text(
        GRAPH.replace('n = ["a", "b", "c"]', f'n = [{{ id = "{label}", t = "x" }}]').replace("note ${n}", "note")
        .replace("${label.n}", "${n.id}"),
        encoding="utf-8",
    )  # fmt: skip
    built = Built(folder / "graph.toml", folder / "store")
    assert built.result.status == "ok"
    assert sorted(p.parent for p in folder.rglob("*.wav")) == [folder / "out"]


def test_two_nodes_that_would_write_one_file_are_a_mistake_before_anything_runs(folder: Path) -> None:
    """Upper and lower case count as equal: the graph must mean the same on every machine."""
    text = GRAPH + '[node.other]\nkind = "test.upper"\ntext = "x"\noutput = "HEARD"\n'
    (folder / "graph.toml").write_text(text, encoding="utf-8")
    with pytest.raises(UsageError, match=r"HEARD\.txt|heard\.txt"):
        api.plan(folder / "graph.toml", store=folder / "store")
    with pytest.raises(DagcontentError):
        Built(folder / "graph.toml", folder / "store")
    assert not (folder / "out").exists()
    assert blobs(folder) == []
