"""Profiles over a graph: who wins, what stays as it was, and what a profile may not do."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from oracle.priced import LINES, MODELS, graph_of

from dagcontent.kinds.declaration import Effect
from dagcontent.kinds.registry import KINDS
from dagcontent.spec.load import Loaded, load
from dagcontent.spec.model import NodeSpec

# From the lowest to the highest, as the design has it: P inherits from Q.
LEVELS = (
    "defaults", 'defaults."image.generate"', "profile.q.defaults", "profile.p.defaults",
    'profile.q.defaults."image.generate"', 'profile.p.defaults."image.generate"', "node.a", "profile.q.node.a",
    "profile.p.node.a",
)  # fmt: skip
KEYS = ("aspect", "negative_prompt")
BASE = '[node.a]\nkind = "image.generate"\nmodel = "local/card"\nprompt = "x"\n'


def read(text: str, profile: str | None = None, **params: str) -> Loaded:
    """Load a text that stands nowhere."""
    return load("/nowhere/t.toml", text=text, profile=profile, overrides=params)


def node(text: str, profile: str | None = None, name: str = "a") -> NodeSpec:
    """Return a node of a graph without mistakes."""
    loaded = read(text, profile)
    assert loaded.mistakes == ()
    return loaded.pipeline.nodes[name]


@given(st.dictionaries(st.sampled_from(LEVELS), st.sets(st.sampled_from(KEYS), min_size=1)))
def test_the_later_level_wins_key_by_key(given_at: dict[str, set[str]]) -> None:
    """A rule of nine levels is only of use if it holds for every mixture of them."""
    tables = {"node.a": ['kind = "image.generate"', 'model = "local/card"', 'prompt = "x"']}
    tables["profile.p"] = ['inherit = "q"']
    tables["profile.q"] = []
    for level, keys in given_at.items():
        tables.setdefault(level, []).extend(f'{key} = "{LEVELS.index(level)}"' for key in sorted(keys))
    text = "".join(f"[{name}]\n" + "\n".join(lines) + "\n" for name, lines in tables.items())
    for profile in (None, "q", "p"):
        seen = [level for level in LEVELS if not level.startswith("profile.") or level[8] in (profile or "")]
        seen += [level for level in LEVELS if profile == "p" and level.startswith("profile.q")]
        expected = {}
        for level in (level for level in LEVELS if level in seen):
            expected |= dict.fromkeys(given_at.get(level, ()), str(LEVELS.index(level)))
        spec = node(text, profile)
        assert {key: value for key, value in spec.params.items() if key in KEYS} == expected
        for key in expected:
            place = spec.origin.get(key)
            top = max((level for level in seen if key in given_at.get(level, ())), key=LEVELS.index)
            assert (place.path[0] if place else "node") == top.partition(".")[0]


def test_params_are_laid_over_and_the_command_line_over_them() -> None:
    """The type and the choices of a parameter are the graph's: a profile cannot slip by them."""
    text = (
        '[params]\nsize = "1x1"\ntone = { required = true, type = "text", choices = ["dry", "warm"] }\ncount = 3\n'
        '[profile.p.params]\nsize = "2x2"\ntone = "dry"\ncount = { value = 4 }\n'
    )
    params = read(text, "p").pipeline.params
    assert [params[name].value for name in ("size", "tone", "count")] == ["2x2", "dry", 4]
    assert params["tone"].choices == ("dry", "warm")
    assert read(text, "p", size="3x3").pipeline.params["size"].value == "3x3"
    assert [m.message for m in read(text).mistakes] == ["`tone` must be given"]
    wrong = read(text.replace('tone = "dry"', 'tone = "shrill"'), "p").mistakes
    assert [(m.message, m.path) for m in wrong] == [("`tone` cannot be `shrill`", ("profile", "p", "params", "tone"))]


def test_aliases_are_laid_over() -> None:
    """One line of a profile exchanges a model wherever its alias is used."""
    text = (
        '[models]\nwriter = "openai/big"\n[node.a]\nkind = "text.generate"\nmodel = "writer"\nprompt = "x"\n'
        '[profile.cheap.models]\nwriter = "openai/small"\n[profile.local]\ninherit = "cheap"\n'
        '[profile.local.models]\nwriter = "local/outline"\n'
    )
    assert [node(text, p).model for p in (None, "cheap", "local")] == ["openai/big", "openai/small", "local/outline"]


def test_every_priced_kind_has_a_stand_in() -> None:
    """A draft with a hole in it proves nothing of what comes after the hole."""
    priced = {kind.name for kind in KINDS.values() if kind.effect is Effect.PAID}
    assert all(KINDS[name].stand_ins for name in priced)
    assert set(LINES) == priced


@given(st.dictionaries(st.sampled_from(sorted(LINES)), st.sampled_from(MODELS), min_size=1))
def test_a_draft_names_no_model_that_costs_money(models: dict[str, str]) -> None:
    """Whatever a graph names, and however it names it: $0."""
    text = graph_of(models, ['[models]\nm = "fal/x/y"\n[params]\np = "openai/z"\n[profile.other]\ninherit = "draft"\n'])
    text = text.replace(f'"{MODELS[0]}"', '"m"').replace(f'"{MODELS[1]}"', '"${params.p}"')
    for profile in ("draft", "other"):
        nodes = read(text, profile).pipeline.nodes
        assert {name: spec.model for name, spec in nodes.items() if KINDS[spec.kind].by_model} == {
            name: f"local/{KINDS[spec.kind].stand_ins[0]}" for name, spec in nodes.items() if KINDS[spec.kind].by_model
        }
    plain = read(text).pipeline.nodes
    for name, spec in read(text, "draft").pipeline.nodes.items():
        assert (spec.params, spec.seed, spec.each) == (plain[name].params, plain[name].seed, plain[name].each)


def test_what_a_graph_says_of_its_draft_lies_over_it() -> None:
    """Who wants one real voice in the draft says so, and gets it: by a node, by an alias, by a default."""
    text = (
        '[models]\nw = "openai/big"\n[node.a]\nkind = "text.generate"\nmodel = "w"\nprompt = "x"\noptions = { top_k = 1 }\n'
        '[node.b]\nkind = "speech.generate"\nmodel = "elevenlabs/v3"\ntext = "x"\nvoice = "v"\n'
        '[node.c]\nkind = "image.generate"\nprompt = "x"\n'
    )
    assert [node(text, "draft", name).model for name in "abc"] == ["local/outline", "local/espeak", "local/card"]
    assert node(text, "draft").options == {}
    for lines, name, model in (
        ('[profile.draft.node.b]\nmodel = "elevenlabs/cheap"\n', "b", "elevenlabs/cheap"),
        ('[profile.draft.models]\nw = "openai/small"\n', "a", "openai/small"),
        ('[profile.draft.defaults."image.generate"]\nmodel = "fal/a/b"\n', "c", "fal/a/b"),
    ):
        assert node(text + lines, "draft", name).model == model
    kept = node(text + '[profile.draft.models]\nw = "openai/small"\n', "draft")
    assert kept.options == {"top_k": 1}
    inherits = text + '[profile.cheap.node.b]\nmodel = "elevenlabs/cheap"\n[profile.draft]\ninherit = "cheap"\n'
    assert node(inherits, "draft", "b").model == "local/espeak", "the draft lies over what it inherits from"


def test_files_of_a_profile_are_beside_the_file_it_stands_in(tmp_path: Path) -> None:
    """An included file brings its profiles, and their files are where it is."""
    (tmp_path / "shared").mkdir()
    (tmp_path / "shared" / "brief.txt").write_text("small", encoding="utf-8")
    (tmp_path / "shared" / "common.toml").write_text(
        '[profile.p.params]\nbrief = { file = "brief.txt" }\n', encoding="utf-8"
    )
    graph = tmp_path / "g.toml"
    graph.write_text('[graph]\ninclude = ["shared/common.toml"]\n[params]\nbrief = "x"\n' + BASE, encoding="utf-8")
    loaded = load(graph, profile="p")
    assert loaded.mistakes == ()
    assert loaded.pipeline.params["brief"].value.path == str(tmp_path / "shared" / "brief.txt")


@pytest.mark.parametrize("profile", ["dratf", ""])
def test_an_unknown_profile_is_a_mistake(profile: str) -> None:
    """A profile that is misspelt must not build the dear one."""
    (mistake,) = read(BASE, profile).mistakes
    assert mistake.message == f"--profile {profile}: there is no such profile"
    assert "draft" in mistake.note


@pytest.mark.parametrize(
    "written", ['["fal/a", { id = "openai/b", size = "1x1" }]', '"several"', '["several", "local/card"]']
)
def test_a_draft_has_one_stand_in_for_a_list(written: str) -> None:
    """Nothing of a list costs money in a draft; a list above it in the layers stays."""
    text = f'[models]\nseveral = ["fal/a", "openai/b"]\n[node.a]\nkind = "image.generate"\nmodel = {written}\nprompt = "x"\n'
    draft = node(text, "draft")
    assert (draft.model, draft.fallbacks) == ("local/card", ())
    own = node(text + '[profile.p]\ninherit = "draft"\n[profile.p.node.a]\nmodel = ["fal/c", "fal/d"]\n', "p")
    assert [own.model, *(one.model for one in own.fallbacks)] == ["fal/c", "fal/d"]


def test_common_keys_among_the_defaults_of_a_profile_are_for_kinds_that_take_them() -> None:
    """`[profile.p.defaults] retries = 0` was refused, as not for kind graph, in a graph without any such node."""
    text = BASE + "[profile.p.defaults]\nretries = 0\ntakes = 2\n"
    spec = node(text, "p")
    assert (spec.retries, spec.takes) == (0, 2)
    assert node(text + '[node.b]\nkind = "text.template"\ntext = "x"\n', "p", "b").takes is None
    inner = read(text + '[defaults."graph"]\nretries = 1\n')
    assert [mistake.message for mistake in inner.mistakes] == ["`retries` is not for kind graph"]
