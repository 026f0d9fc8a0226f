"""A whole graph file, as it is read: values, defaults, includes, overrides, and nothing but our errors."""

from __future__ import annotations

from pathlib import Path

import pytest
import tomli
from hypothesis import given
from hypothesis import strategies as st

from dagcontent.errors import ConfigError, UsageError
from dagcontent.kinds.registry import KINDS
from dagcontent.spec.load import Loaded, load
from dagcontent.spec.model import AssetPath, FileText, OnBlock, Place, Template
from dagcontent.spec.source import locate_all, render

GRAPH = """\
#:schema ../schemas/graph.schema.json
[graph]
name = "lantern"
description = "A teaser"
output_dir = "made"

[params]
product = "Solar lantern"
brief   = { file = "brief.md" }
tone    = { value = "warm", type = "text", choices = ["warm", "dry"], help = "how it sounds" }
logo    = { asset = "logo.png" }
voices  = { anna = "en-us", ben = "en-gb" }
count   = 3

[models]
painter = "card"
card = "local/card"

[defaults]
seed = 7
[defaults."speech.generate"]
model = "local/espeak"
voice = "en-us"

[each.scene]
of  = "${script.scenes}"
id  = "id"
max = 8
[each.cut]
of = { from = 1, to = 3 }

[node.script]
kind    = "text.generate"
model   = "local/outline"
prompt  = "Scenes for ${params.product}: ${params.brief}. A literal $${x}."
returns = { scenes = [{ id = "text", line = "text", motion = "text?" }] }
timeout = "1h30m5s"
retries = 0
cache   = "run"
tags    = { act = "one" }

[node.still]
kind   = "image.generate"
each   = "scene"
model  = "painter"
prompt = { template = "prompt.txt" }
images = ["logo.png", "${params.logo}"]
options = { steps = 5, deep = { note = "${scene.id}" } }

[node.voice]
kind  = "speech.generate"
each  = ["scene"]
text  = "${scene.line}"
speed = 1
voice = "${params.voices[scene.speaker]}"
when  = { value = "${scene.line}", is_not = "" }
on_error = "skip"

[node.clip]
kind = "video.from_still"
each = "scene"
image = "${still[scene]}"
audio = "${voice[scene]}"
optional = "audio"
needs = ["script", "still[scene]"]
duration = 5
output = "clips/${label.scene}"
seed = "${index.scene}"

[node.film]
kind  = "video.concat"
clips = ["${clip}"]
when = true
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A graph with the files it names."""
    (tmp_path / "graph.toml").write_text(GRAPH)
    (tmp_path / "brief.md").write_text("It shines. ${not.expanded}")
    (tmp_path / "prompt.txt").write_text("A ${scene.line} of ${params.product}\n")
    (tmp_path / "logo.png").write_bytes(b"png")
    return tmp_path


def said(loaded: Loaded) -> str:
    """Return all messages."""
    return "\n\n".join(render(located) for located in locate_all(loaded.sources, loaded.mistakes))


def test_a_whole_graph_is_read_as_it_is_written(folder: Path) -> None:
    """One file that uses the language: each value arrives with its type, its references parsed, its files absolute."""
    loaded = load(folder / "graph.toml")
    assert said(loaded) == ""
    assert loaded.ok
    pipeline = loaded.pipeline
    assert (pipeline.name, pipeline.description) == ("lantern", "A teaser")
    assert pipeline.output_dir == str(folder / "made")
    assert pipeline.models == {"painter": "local/card", "card": "local/card"}
    assert pipeline.params["brief"].value == FileText(str(folder / "brief.md"))
    assert pipeline.params["logo"].value == AssetPath(str(folder / "logo.png"), "image")
    assert pipeline.params["logo"].type == "image"
    assert pipeline.params["voices"].value == {"anna": "en-us", "ben": "en-gb"}
    assert pipeline.params["tone"].choices == ("warm", "dry")
    assert pipeline.dimensions["cut"].of == [1, 2, 3]
    scene = pipeline.dimensions["scene"]
    assert (scene.id, scene.max, scene.over) == ("id", 8, "stop")
    assert isinstance(scene.of, Template)

    script = pipeline.nodes["script"]
    assert (script.timeout_s, script.retries, script.cache, script.tags) == (5405.0, 0, "run", {"act": "one"})
    assert script.params["prompt"].parts[-1] == ". A literal ${x}."
    still = pipeline.nodes["still"]
    assert (still.model, still.each) == ("local/card", ("scene",))
    prompt = still.params["prompt"]
    assert isinstance(prompt, FileText)
    assert isinstance(prompt.template, Template)
    assert prompt.file is not None
    assert pipeline.files[prompt.file] == str(folder / "prompt.txt")
    assert still.params["images"][0] == AssetPath(str(folder / "logo.png"), "image")
    assert isinstance(still.options["deep"]["note"], Template)
    voice = pipeline.nodes["voice"]
    assert voice.model == "local/espeak"
    assert voice.origin["model"] == Place(0, ("defaults", "speech.generate", "model"))
    assert "voice" not in voice.origin
    assert (voice.seed, voice.on_error) == (7, "skip")
    assert voice.origin["seed"] == Place(0, ("defaults", "seed"))
    clip = pipeline.nodes["clip"]
    assert [ref.text for ref in clip.needs] == ["script", "still[scene]"]
    assert (clip.optional, isinstance(clip.seed, Template)) == (("audio",), True)
    assert pipeline.nodes["film"].when is True
    assert {path for path, _digest in loaded.files} == {str(folder / "graph.toml"), str(folder / "prompt.txt")}


def test_the_order_of_tables_never_matters(folder: Path) -> None:
    """The language promises it; defaults and aliases below the nodes that use them are the hard case."""
    blocks = GRAPH.split("\n\n")
    turned = load(folder / "graph.toml", text="\n\n".join([blocks[0], *reversed(blocks[1:])])).pipeline
    straight = load(folder / "graph.toml").pipeline
    for name, node in straight.nodes.items():
        assert turned.nodes[name] == node
    assert turned.params == straight.params
    assert turned.dimensions == straight.dimensions


def test_a_path_may_be_relative_and_is_shown_as_given(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """People read `graph.toml:3:1`, not where their disk is mounted."""
    monkeypatch.chdir(folder)
    (folder / "inc.toml").write_text("[oops]\n")
    loaded = load("graph.toml", text='[graph]\ninclude = ["inc.toml"]\nnme = "x"\n')
    shown = [located.file for located in locate_all(loaded.sources, loaded.mistakes)]
    assert shown == ["graph.toml", "inc.toml"]
    assert loaded.pipeline.folder == str(folder)
    assert loaded.pipeline.name == "graph"


# -- paid models and money ------------------------------------------------------------------------------------------

BY_MODEL = [kind.name for kind in KINDS.values() if kind.by_model]


@pytest.mark.parametrize("kind", BY_MODEL)
@pytest.mark.parametrize(
    "model",
    ["fal/fal-ai/flux/dev", "elevenlabs/eleven_v3", "google/gemini-3.8-flash", "openai/gpt-image-2.5-flare",
     "openrouter/anthropic/claude-sonnet-5", "openrouter/x/y:free"],
)  # fmt: skip
def test_every_kind_made_by_models_takes_any_vendors(kind: str, model: str) -> None:
    """Whether the vendor has such a model is not a matter of the file's language; an alias and a default are the same."""
    text = f'[models]\na = "b"\nb = "{model}"\n[defaults."{kind}"]\nmodel = "a"\n' + "".join(
        f'[node.n{i}]\nkind = "{kind}"\noptions = {{ x_of_the_vendor = 1 }}\n{row}'
        for i, row in enumerate([f'model = "{model}"\n', 'model = "b"\n', ""])
    )
    loaded = load("/nowhere/graph.toml", text=text)
    assert not [m for m in loaded.mistakes if "model" in m.message], said(loaded)
    assert [node.model for node in loaded.pipeline.nodes.values()] == [model] * 3
    assert loaded.pipeline.models == {"a": model, "b": model}


@pytest.mark.parametrize(
    "name", ["", "/x", "x/", "x//y", "..", "x/../y", "./x", "x y", "x\\ny", "x?y", "x#y", "ä", "x" * 201]
)
def test_a_name_that_would_be_another_address_is_no_model(name: str) -> None:
    """It becomes part of an address that is asked with a key: graphs come from anywhere."""
    loaded = load("/nowhere/graph.toml", text=f'[models]\na = "fal/{name}"\nb = "a"\n')
    assert [mistake.path for mistake in loaded.mistakes] == [("models", "a")]
    assert loaded.pipeline.models == {}


@pytest.mark.parametrize(
    ("written", "microusd"),
    [("5.00", 5_000_000), ("5", 5_000_000), ("0", 0), ("0.1", 100_000), ("1.1", 1_100_000), ("0.000001", 1)],
)
def test_the_budget_of_a_graph_is_read_by_its_digits(written: str, microusd: int) -> None:
    """1.1 as a binary fraction is a little more than 1.1."""
    loaded = load("/nowhere/graph.toml", text=f"[graph]\nbudget_usd = {written}\n")
    assert loaded.ok, said(loaded)
    assert loaded.pipeline.budget_microusd == microusd


@pytest.mark.parametrize("written", ["-0.01", "0.0000001", '"5"', "true", "nan", "inf", "1e300", "[5]"])
def test_what_is_no_budget_is_refused_and_not_taken_for_none(written: str) -> None:
    """A ceiling that is passed over would be believed in."""
    loaded = load("/nowhere/graph.toml", text=f"[graph]\nbudget_usd = {written}\n")
    assert [mistake.path for mistake in loaded.mistakes] == [("graph", "budget_usd")]
    assert loaded.pipeline.budget_microusd is None


def test_a_graph_without_a_budget_has_none() -> None:
    """None is not zero: zero forbids to spend."""
    assert load("/nowhere/graph.toml", text="[graph]\n").pipeline.budget_microusd is None


# -- includes -------------------------------------------------------------------------------------------------------


def test_includes_are_merged_and_the_including_file_wins(folder: Path) -> None:
    """Shared settings lie in one file; a graph that says otherwise means it."""
    (folder / "sub").mkdir()
    (folder / "sub" / "common.toml").write_text(
        '[graph]\nname = "ignored"\ninclude = ["deep.toml"]\n[params]\na = 1\nb = { file = "note.md" }\n'
        '[models]\nm = "local/card"\n[defaults."image.generate"]\nstyle = "ink"\naspect = "1:1"\n'
    )
    (folder / "sub" / "deep.toml").write_text(
        '[params]\na = 3\nc = 4\n[node.extra]\nkind = "text.template"\ntext = "x"\n'
    )
    (folder / "sub" / "note.md").write_text("n")
    loaded = load(
        folder / "graph.toml",
        text='[graph]\ninclude = ["sub/common.toml", "sub/deep.toml"]\n[params]\na = 2\n[defaults."image.generate"]\n'
        'aspect = "9:16"\n[node.n]\nkind = "image.generate"\nmodel = "m"\nprompt = "x"\n',
    )
    assert said(loaded) == ""
    params = loaded.pipeline.params
    assert {name: spec.value for name, spec in params.items()} == {
        "a": 2, "b": FileText(str(folder / "sub" / "note.md")), "c": 4,
    }  # fmt: skip
    node = loaded.pipeline.nodes["n"]
    assert node.params == {"prompt": "x", "style": "ink", "aspect": "9:16"}
    assert loaded.pipeline.files[node.origin["style"].file].endswith("common.toml")
    assert set(loaded.pipeline.nodes) == {"n", "extra"}
    assert loaded.pipeline.name == "graph"


def test_a_name_given_in_two_files_cites_both_lines(folder: Path) -> None:
    """Which of two nodes is meant cannot be guessed."""
    (folder / "inc.toml").write_text('\n[node.n]\nkind = "text.template"\ntext = "y"\n[each]\nd = [1]\n')
    text = '[graph]\ninclude = ["inc.toml"]\n[each]\nd = [2]\n[node.n]\nkind = "text.template"\ntext = "x"\n'
    loaded = load(folder / "graph.toml", text=text)
    found = [(m.line, m.also[0].line, m.also[0].file != m.file) for m in locate_all(loaded.sources, loaded.mistakes)]
    assert found == [(2, 5, True), (6, 4, True)]
    assert loaded.pipeline.nodes["n"].params == {"text": "x"}


def test_siblings_that_disagree_are_a_mistake(folder: Path) -> None:
    """Only an including file wins over an included one; of two included ones neither does."""
    for name in ("a", "b"):
        (folder / f"{name}.toml").write_text(f'[params]\np = "{name}"\n')
    loaded = load(folder / "graph.toml", text='[graph]\ninclude = ["a.toml", "b.toml"]\n')
    assert [m.message for m in loaded.mistakes] == ["`p` is given twice"]


@pytest.mark.parametrize(
    ("include", "word"),
    [
        ('["graph.toml"]', "includes itself"),
        ('["loop.toml"]', "includes itself"),
        ('["missing.toml"]', "no file"),
        ('["../x.toml"]', "outside"),
        ('["/etc/passwd"]', "not relative"),
        ('["link.toml"]', "outside"),
        ('["broken.toml"]', "value is missing"),
        ('["logo.png/x"]', "no file"),
        ('"graph.toml"', "list"),
        ("[5]", "paths"),
        ('["deep0.toml"]', "levels"),
    ],
)
def test_bad_includes_are_one_clear_mistake(folder: Path, include: str, word: str) -> None:
    """Loops, depth, and files outside the graph's folder (through links too) end at their line."""
    (folder / "loop.toml").write_text('[graph]\ninclude = ["graph.toml"]\n')
    (folder / "broken.toml").write_text("a =\n")
    (folder / "link.toml").symlink_to("/etc/hosts")
    for depth in range(12):
        (folder / f"deep{depth}.toml").write_text(f'[graph]\ninclude = ["deep{depth + 1}.toml"]\n')
    loaded = load(folder / "graph.toml", text=f"[graph]\ninclude = {include}\n")
    assert len(loaded.mistakes) == 1, said(loaded)
    assert word in loaded.mistakes[0].message


def test_a_template_file_shows_its_own_lines(folder: Path) -> None:
    """A bad reference in a prompt file is pointed at there, not where the file is named."""
    (folder / "prompt.txt").write_text("fine ${a}\nbad ${b c}\n")
    loaded = load(folder / "graph.toml")
    (located,) = locate_all(loaded.sources, loaded.mistakes)
    assert located.file.endswith("prompt.txt")
    assert (located.line, located.column) == (2, 8)


def test_a_link_out_of_the_folder_is_not_read(folder: Path) -> None:
    """A graph from elsewhere may bring links; what they lead to is none of its business."""
    (folder / "brief.md").unlink()
    (folder / "brief.md").symlink_to("/etc/hosts")
    assert "outside" in said(load(folder / "graph.toml"))


# -- -p -------------------------------------------------------------------------------------------------------------

PARAMS = """\
[params]
text = "x"
whole = 3
number = 1.5
yes = true
items = ["a"]
table = { a = 1 }
tone = { value = "warm", choices = ["warm", "dry"] }
must = { required = true, type = "number", help = "how many" }
free = { required = true }
picture = { required = true, type = "image" }
pictures = { required = true, type = "list<image>" }
note = { file = "brief.md" }
logo = { asset = "logo.png" }
"""


@pytest.mark.parametrize(
    ("name", "written", "value"),
    [
        ("text", "a b", "a b"),
        ("text", "5", "5"),
        ("text", "${x}", "${x}"),
        ("whole", "-7", -7),
        ("number", "2", 2),
        ("number", "2.5", 2.5),
        ("yes", "false", False),
        ("items", '["b", 1]', ["b", 1]),
        ("table", '{"b": [1]}', {"b": [1]}),
        ("tone", "dry", "dry"),
        ("must", "4", 4),
        ("free", "anything", "anything"),
    ],
)
def test_overrides_take_the_type_of_what_they_override(folder: Path, name: str, written: str, value: object) -> None:
    """A command line is text; the declaration, or the default, says what it stands for. Nothing in it is expanded."""
    spec = load(folder / "graph.toml", text=PARAMS, overrides={name: written}).pipeline.params[name]
    assert (spec.value, type(spec.value), spec.kind, spec.place) == (value, type(value), "value", None)


@pytest.mark.parametrize(
    ("name", "written", "word"),
    [
        ("tet", "x", "no such parameter"),
        ("whole", "1.5", "whole number"),
        ("whole", "x", "whole number"),
        ("number", "nan", "number"),
        ("number", "x", "number"),
        ("yes", "yes", "true or false"),
        ("items", '{"a": 1}', "list"),
        ("items", "a, b", "JSON"),
        ("tone", "wram", "allowed"),
        ("picture", "@missing.png", "no file"),
        ("text", "@missing.md", "no file"),
        ("whole", "9" * 30, "whole number"),
        ("table", "[" * 5000, "JSON"),
        ("note", "@\0", "no file"),
    ],
)
def test_wrong_overrides_are_mistakes(folder: Path, name: str, written: str, word: str) -> None:
    """What cannot be meant is said, with the name as it was typed."""
    loaded = load(folder / "graph.toml", text=PARAMS, overrides={name: written})
    messages = [m.message + " " + m.caret for m in loaded.mistakes if m.message.startswith("-p ")]
    assert len(messages) == 1
    assert word in messages[0]
    assert f"-p {name}" in messages[0]


def test_files_from_the_command_line_may_lie_anywhere(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    """What a person hands over is allowed; only a graph is kept inside its folder."""
    away = tmp_path_factory.mktemp("away")
    (away / "x.png").write_bytes(b"x")
    (away / "x.md").write_text("x")
    given_ = {
        "text": f"@{away}/x.md",
        "picture": f"@{away}/x.png",
        "pictures": f"@{away}/x.png",
        "logo": f"@{away}/x.png",
        "note": f"@{away}/x.md",
        "must": "1",
        "free": "",
    }
    loaded = load(folder / "graph.toml", text=PARAMS, overrides=given_)
    assert said(loaded) == ""
    params = loaded.pipeline.params
    asset = AssetPath(f"{away}/x.png", "image")
    assert (params["text"].kind, params["text"].value) == ("file", FileText(f"{away}/x.md"))
    assert (params["picture"].kind, params["picture"].value) == ("asset", asset)
    assert (params["pictures"].kind, params["pictures"].value) == ("assets", [asset])
    assert (params["logo"].kind, params["logo"].value) == ("asset", asset)


def test_a_required_parameter_names_the_option(folder: Path) -> None:
    """The message is the command to type."""
    text = said(load(folder / "graph.toml", text=PARAMS))
    assert "write -p must=..." in text
    assert "how many" in text


# -- any input ------------------------------------------------------------------------------------------------------


def test_a_file_that_cannot_be_read_is_a_usage_error(tmp_path: Path) -> None:
    """Exit 2 and one line, not a traceback."""
    for path in (tmp_path / "missing.toml", tmp_path, "\0", "x" * 5000, ""):
        with pytest.raises(ConfigError) as caught:
            load(path)
        assert caught.value.hint


def _survives(data: bytes, folder: str = "/nowhere") -> None:
    try:
        loaded = load(f"{folder}/graph.toml", read=lambda path: data if path.endswith("graph.toml") else b"")
    except UsageError:
        return
    for located in locate_all(loaded.sources, loaded.mistakes):
        assert 1 <= located.line <= loaded.sources[0].text.count("\n") + 1
        render(located)


@given(st.binary(max_size=200))
def test_random_bytes_never_escape(data: bytes) -> None:
    """Whatever is in a file, what leaves is a list of mistakes or a usage error."""
    _survives(data)


PIECES = [*GRAPH.split("\n"), '"${x[', "]]", "[node.x]", "[[node.script.tags]]", "kind = 5", "= 1", "seed = nan", "'''", "{", "#", "\r", "[each]",
          "each = {}", 'of = "x"', "[defaults.video.concat]", "when = []", "returns = 5", 'schema = "x"', "type = []", "by = {}"]  # fmt: skip


@given(st.lists(st.sampled_from(PIECES), max_size=30))
def test_shuffled_lines_of_a_graph_never_escape(lines: list[str]) -> None:
    """Right words in wrong places are what people and editors really make."""
    _survives("\n".join(lines).encode())


@given(st.data())
def test_a_mutated_graph_never_escapes(data: st.DataObject) -> None:
    """One value replaced by another of any type: each check must expect anything."""
    lines = GRAPH.split("\n")
    value = data.draw(st.sampled_from([
        "5", "-1", "1.5", "true", '"x"', '""', "[]", "[[1], {}]", "{}", '{ file = "x" }', "{ file = 5 }", "1979-05-27",
        '["${a}", 5]', '"${a b}"', "inf", '{ template = "brief.md" }', "[true]", '"a/b"', '"../x"', '"\\u0000"', '{ value = "${x}", in = 5 }',
        '{ from = "a", to = [] }', "99999999999999999999", '{ a = { b = { c = "${d}" } } }',
    ]))  # fmt: skip
    places = [i for i, line in enumerate(lines) if " = " in line]
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.sampled_from(places))
        lines[at] = lines[at].partition("=")[0] + "= " + value
    _survives("\n".join(lines).encode())


@given(st.sampled_from(sorted(KINDS)), st.data())
def test_any_value_for_any_parameter_is_read_or_refused(kind: str, data: st.DataObject) -> None:
    """Declarations and checks meet here: no combination of the two may be forgotten."""
    values = st.sampled_from(
        ["5", "1.5", "true", '"x"', "[]", '["x", [1]]', "{}", '"${a}"', '"x ${a}"', '{ file = "x" }']
    )
    names = [
        *(param.name for param in KINDS[kind].params),
        *"each needs when optional output timeout seed tags options model".split(),
    ]
    lines = ["[node.n]", f'kind = "{kind}"', *(f"{name} = {data.draw(values)}" for name in names)]
    text = "\n".join(lines)
    tomli.loads(text)
    loaded = load("/nowhere/graph.toml", text=text)
    for node in loaded.pipeline.nodes.values():
        KINDS[kind].output_type(node.params)  # what is wrong was left out: the linker may ask anything of the rest
    locate_all(loaded.sources, loaded.mistakes)


@pytest.mark.slow
def test_ten_thousand_nodes_are_read_in_one_pass() -> None:
    """Not a clock: a graph of this size must simply come out whole."""
    text = "".join(f'[node.n{i}]\nkind = "text.template"\ntext = "{i} ${{n{i - 1}}}"\n' for i in range(1, 10_001))
    loaded = load("/nowhere/graph.toml", text=text)
    assert loaded.ok
    assert len(loaded.pipeline.nodes) == 10_000


def test_a_choices_file_is_no_graph(folder: Path) -> None:
    """It stands beside the graph and has the same tables: it is easily given by mistake."""
    (folder / "graph.choices.toml").write_text("[node.film]\nreroll = 1\n")
    loaded = load(folder / "graph.choices.toml")
    assert "this is a choices file, not a graph" in [m.message for m in loaded.mistakes]


def test_a_name_that_was_broken_is_known_as_broken(folder: Path) -> None:
    """The linker must not call a node unknown that stands in the file and was refused for another reason."""
    text = '[each]\nd = 5\n[node.a]\nkind = "nope"\n[node.b]\nkind = "text.template"\ntext = "${a} ${d}"\neach = "d"\n'
    loaded = load(folder / "graph.toml", text=text)
    assert set(loaded.pipeline.broken) == {"a", "d"}
    assert len(loaded.mistakes) == 2


def test_thousands_of_mistakes_end_in_one_sentence() -> None:
    """A hostile file must not make us say more than anybody reads."""
    loaded = load("/nowhere/g.toml", text="".join(f"k{i} = 1\n" for i in range(5_000)))
    assert len(loaded.mistakes) == 1_001
    assert "more mistakes" in loaded.mistakes[-1].message
    assert len(locate_all(loaded.sources, loaded.mistakes)) == 1_001


LISTED = """
[models]
fast = "fal/fal-ai/flux/dev"
motion = ["fast", { id = "openai/gpt-image-2", size = "1024x1024" }]
all = [{ id = "motion", seed = 7 }, "local/card"]
[node.a]
kind = "image.generate"
model = "all"
prompt = "x"
size = "64x64"
options = { a = 1 }
on_block = { reroll = 2 }
max_cost_usd = 0.25
[node.b]
kind = "speech.generate"
model = [{ id = "elevenlabs/eleven_multilingual_v2", voice = "Rachel" }, { id = "local/espeak", voice = "en-us", options = { b = 2 } }]
text = "x"
"""


def test_a_list_of_models_is_a_node_for_each() -> None:
    """Aliases within lists stand for what they name; what an entry says replaces the node's, and the nearest entry wins."""
    loaded = load("/nowhere/g.toml", text=LISTED)
    assert loaded.mistakes == ()
    a, b = loaded.pipeline.nodes.values()
    every = [a, *a.fallbacks]
    assert [one.model for one in every] == ["fal/fal-ai/flux/dev", "openai/gpt-image-2", "local/card"]
    assert [one.params["size"] for one in every] == ["64x64", "1024x1024", "64x64"]
    assert [one.seed for one in every] == [7, 7, None]
    assert all(one.options == {"a": 1} and one.max_cost_microusd == 250_000 for one in every)
    assert a.on_block == OnBlock(2, "fallback")
    assert (b.params["voice"], b.fallbacks[0].params["voice"]) == ("Rachel", "en-us")
    assert b.fallbacks[0].options == {"b": 2}
    assert b.fallbacks[0].origin["voice"].path == ("node", "b", "model", 1, "voice")


def test_a_list_of_one_is_that_model() -> None:
    """What is written in another way is the same key: nothing is bought for a pair of brackets."""
    text = '[models]\none = ["fal/x/y"]\n[node.a]\nkind = "image.generate"\nmodel = {}\nprompt = "x"\n'
    nodes = [
        load("/nowhere/g.toml", text=text.format(m)).pipeline.nodes["a"] for m in ('"fal/x/y"', '["fal/x/y"]', '"one"')
    ]
    assert [(one.model, one.fallbacks) for one in nodes] == [("fal/x/y", ())] * 3


def test_a_wrong_alias_is_one_mistake_however_many_lists_name_it() -> None:
    """Ten nodes whose lists name one misspelt alias were ten equal errors, and the one line to mend among them."""
    nodes = "".join(
        f'[node.n{i}]\nkind = "image.generate"\nmodel = ["bad", "local/card"]\nprompt = "x"\n' for i in range(4)
    )
    loaded = load("/nowhere/t.toml", text=f'[models]\nbad = "nope/x"\n{nodes}')
    assert [mistake.message for mistake in loaded.mistakes] == ["`nope` is no provider"]
