"""Builds with profiles: going round is free, results never mix, and a draft costs nothing whatever it is of."""

from __future__ import annotations

import json
import shutil
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from oracle.builds import Built, new_folder, records
from oracle.priced import LINES, MODELS, graph_of

from dagcontent import api
from dagcontent.errors import GraphError
from dagcontent.kinds.registry import KINDS
from dagcontent.media.probe import measure
from dagcontent.store.store import open_store
from dagcontent.values.value import Blob

PROFILES = (None, "p", "q")
WORDS = st.sampled_from(["a", "bb", "ccc"])
NODES = ("n0", "n1", "n2")

Changes = dict[str, dict[str, str]]


@pytest.fixture
def folder() -> Iterator[Path]:
    made = new_folder()
    yield made
    shutil.rmtree(made)


@pytest.fixture
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Refuse every connection, on loopback too, and take all keys away."""

    def refused(self: socket.socket, address: object) -> None:
        text = f"something wanted to reach {address}"
        raise AssertionError(text)

    monkeypatch.setattr(socket.socket, "connect", refused)
    for name in ("FAL_KEY", "OPENAI_API_KEY", "OPENROUTER_API_KEY", "GOOGLE_API_KEY", "ELEVENLABS_API_KEY"):
        monkeypatch.delenv(name, raising=False)


def chain(changes: Changes) -> str:
    """Return a graph of three nodes, each reading the one before, and what each profile changes of their `extra`."""
    text = '[graph]\nname = "round"\n'
    for before, name in zip((None, *NODES), NODES, strict=False):
        source = "start" if before is None else f"${{{before}}}"
        text += f'[node.{name}]\nkind = "test.echo"\ntext = "{source}"\nextra = "a"\n'
    for profile, nodes in changes.items():
        text += f"[profile.{profile}]\n"
        text += "".join(f'[profile.{profile}.node.{name}]\nextra = "{word}"\n' for name, word in nodes.items())
    return text


def expected(changes: Changes, profile: str | None) -> dict[str, tuple[str, str]]:
    """Return what each node is given, worked out by hand."""
    made: dict[str, tuple[str, str]] = {}
    text = "start"
    for name in NODES:
        extra = changes.get(profile or "", {}).get(name, "a")
        made[name] = (text, extra)
        text = f"<{text}|{extra}|1>"
    return made


@given(st.fixed_dictionaries({name: st.dictionaries(st.sampled_from(NODES), WORDS) for name in PROFILES[1:]}))
def test_keys_differ_exactly_where_what_is_given_differs(changes: Changes) -> None:
    """Results of two profiles are one where they are the same, and never where they are not; going round is free."""
    folder = new_folder()
    try:
        graph, store = folder / "graph.toml", folder / "store"
        graph.write_text(chain(changes), encoding="utf-8")
        keys: dict[tuple[str, str], str] = {}
        made: set[tuple[str, str]] = set()
        for profile in PROFILES:
            wanted = set(expected(changes, profile).values())
            built = Built(graph, store, profile=profile)
            assert built.result.status == "ok"
            assert built.result.profile == profile
            assert sum(built.calls.values()) == len(wanted - made)
            made |= wanted
            with open_store(store, write=False) as opened:
                last = opened.last_build(str(graph.resolve()), profile or "")
            for name, inputs in expected(changes, profile).items():
                assert keys.setdefault(inputs, last[name]) == last[name]
        assert len(set(keys.values())) == len(keys)
        for profile in PROFILES:
            assert not Built(graph, store, profile=profile).calls
            assert {row.status for row in api.plan(graph, store=store, profile=profile).rows} == {"hit"}
    finally:
        shutil.rmtree(folder)


def test_why_compares_with_the_last_build_of_the_same_profile(folder: Path) -> None:
    """The draft that was built since is no reason for the film to be made anew."""
    graph, store = folder / "graph.toml", folder / "store"
    graph.write_text(chain({"p": {"n0": "bb"}}), encoding="utf-8")
    Built(graph, store)
    Built(graph, store, profile="p")
    graph.write_text(chain({"p": {"n0": "ccc"}}), encoding="utf-8")
    plain, other = (api.why(graph, "n0", store=store, profile=profile) for profile in (None, "p"))
    assert (plain.status, [d for d in plain.diffs if d.changed]) == ("hit", [])
    (diff,) = [d for d in other.diffs if d.changed]
    assert (diff.field, diff.old, diff.new) == ("params.extra", "bb", "ccc")
    assert diff.lines[0][1] == graph.read_text().splitlines().index('extra = "ccc"') + 1
    assert api.show(graph, "n0", store=store, profile="p").stale
    assert not api.show(graph, "n0", store=store).stale


def test_a_memo_answers_its_own_profile_only(folder: Path) -> None:
    """The quickest answer is the easiest to give to the wrong question."""
    graph, store = folder / "graph.toml", folder / "store"
    text = (
        '[graph]\nname = "m"\n[node.a]\nkind = "image.generate"\nmodel = "local/card"\nprompt = "x"\nsize = "16x16"\n'
    )
    graph.write_text(text + '[profile.p.node.a]\nsize = "32x16"\n', encoding="utf-8")
    made = [api.build(graph, store=store, profile=profile) for profile in (None, "p", None, "p")]
    assert [result.counts["ran"] for result in made] == [1, 1, 0, 0]
    assert [result.profile for result in made] == [None, "p", None, "p"]
    digests = [result.nodes[0].digest for result in made]
    assert digests[0] == digests[2] != digests[1] == digests[3]
    assert [api.plan(graph, store=store, profile=p).profile for p in (None, "p")] == [None, "p"]


def test_what_is_fresh_in_every_run_is_so_in_each_profile(folder: Path) -> None:
    """A run that did not finish keeps its epoch, though another profile was built in between."""
    graph, store = folder / "graph.toml", folder / "store"
    text = (
        '[graph]\nname = "e"\n[node.a]\nkind = "test.echo"\ncache = "run"\ntext = "x"\n'
        '[node.b]\nkind = "test.fail"\ntext = "${a}"\n[profile.p.node.b]\ntext = "xx"\n'
    )
    graph.write_text(text, encoding="utf-8")
    first = Built(graph, store)
    assert first.result.status == "failed"
    assert Built(graph, store, profile="p").result.status == "ok"
    assert first.status["a"] == "ran"
    assert Built(graph, store).status["a"] == "hit"


@given(st.dictionaries(st.sampled_from(sorted(LINES)), st.sampled_from(MODELS), min_size=1, max_size=6))
def test_a_draft_is_planned_for_nothing(models: dict[str, str]) -> None:
    """Models that nobody knows, of vendors whose packages are not there: the draft costs $0 and lacks nothing."""
    folder = new_folder()
    try:
        graph = folder / "graph.toml"
        graph.write_text(graph_of(models), encoding="utf-8")
        plan = api.plan(graph, store=folder / "store", profile="draft")
        assert not plan.paid
        assert all(row.price is None and not row.error for row in plan.rows)
        assert not api.load(graph, profile="draft").paid
    finally:
        shutil.rmtree(folder)


@pytest.mark.slow
def test_a_draft_of_every_priced_kind_is_built_for_nothing(folder: Path, no_network: None) -> None:
    """One graph with all that can be paid for: no key, no network, $0, and each result of its type and length."""
    graph, store = folder / "graph.toml", folder / "store"
    models = {kind: MODELS[number % len(MODELS)] for number, kind in enumerate(LINES)}
    graph.write_text(graph_of(models), encoding="utf-8")
    found = api.build(graph, store=store, profile="draft", jobs=2)
    assert [(node.node, node.error) for node in found.nodes if node.status != "ran"] == []
    assert (found.status, found.spent_microusd, found.reserved_microusd) == ("ok", 0, 0)
    loaded = api.load(graph, profile="draft")
    said = api.show(loaded, "say", store=store).artifacts[0].facts["duration_ms"]
    lengths = {
        "sound_generate": 700, "music_generate": 1500, "video_generate": 900, "speech_convert": said, "speech_dub": said,
        "video_edit": said, "video_extend": said + 500, "video_upscale": said, "video_avatar": said, "video_lipsync": said,
        "video_soundtrack": said,
    }  # fmt: skip
    for kind in LINES:
        shown = api.show(loaded, kind.replace(".", "_"), store=store)
        declared = KINDS[kind].output.name
        if isinstance(shown.value, Blob):
            (artifact,) = shown.artifacts
            assert artifact.type == declared
            facts = measure(Path(artifact.path or ""), artifact.type, artifact.media_type)
            wanted = lengths.get(kind.replace(".", "_"))
            assert wanted is None or abs(facts["duration_ms"] - wanted) <= 101, kind
        else:
            assert isinstance(shown.value, str if declared == "text" and "returns" not in LINES[kind] else dict), kind
    assert api.show(loaded, "audio_transcribe", store=store).value["text"] == "Hello. There it is."
    assert all(record.cost_microusd == 0 for record in records(store).values())
    again = api.build(graph, store=store, profile="draft")
    assert again.counts["hit"] == len(found.nodes)


@pytest.mark.slow
def test_words_that_travel_are_in_the_key_of_a_stand_in(folder: Path) -> None:
    """A transcript of words that came along must not be found again for the same sound with other words."""
    loaded = folder / "graph.toml"
    loaded.write_text(graph_of({"audio.transcribe": "openai/x"}), encoding="utf-8")
    with_words = api.build(loaded, store=folder / "store", profile="draft")
    assert with_words.status == "ok"
    stored = [r for r in records(folder / "store").values() if r.manifest.kind == "audio.transcribe"]
    assert [record.manifest.carry for record in stored] == [True]


def test_a_profile_that_is_not_there_is_refused(folder: Path) -> None:
    """Before anything is looked up, and with the names there are."""
    graph = folder / "graph.toml"
    graph.write_text(chain({"p": {}}), encoding="utf-8")
    with pytest.raises(GraphError) as caught:
        api.build(graph, store=folder / "store", profile="pp")
    assert "no such profile" in str(caught.value.mistakes[0].message)
    assert json.dumps([m.note for m in caught.value.mistakes]) == '["there are: p, draft"]'


def test_check_reads_every_profile(folder: Path) -> None:
    """Whoever checks a graph before a meeting has not chosen a profile yet."""
    graph = folder / "graph.toml"
    text = '[node.a]\nkind = "test.echo"\ntext = "x"\n[profile.p.node.a]\ntext = "${nosuch}"\ntimes = "many"\n'
    graph.write_text(text, encoding="utf-8")
    assert [m.line for m in api.find_mistakes(graph)] == [5, 6]
    assert [m.line for m in api.find_mistakes(graph, profile="p")] == [5, 6]
    assert api.load(graph).profile is None


def test_check_says_with_which_profile_a_node_is_wrong(folder: Path) -> None:
    """The line is right without the profile: who reads of a mistake there looks for it in vain otherwise."""
    graph = folder / "graph.toml"
    text = '[node.a]\nkind = "image.generate"\nmodel = "local/card"\nprompt = "x"\nstyle = "ink"\n'
    graph.write_text(text + '[profile.p.node.a]\nmodel = "openai/gpt-image-2"\n', encoding="utf-8")
    (mistake,) = api.find_mistakes(graph)
    assert (mistake.line, mistake.note[:16]) == (5, "with --profile p")
