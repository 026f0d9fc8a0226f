"""Mistakes that only links show: each in its words, at its place, with what would be right."""

from __future__ import annotations

from pathlib import Path

import pytest

from dagcontent.api.loading import find_mistakes

PRELUDE = """
[graph]
name = "g"
[models]
painter = "fal/fal-ai/flux/dev"
[params]
word = "x"
good = "painter"
bad = "fla/flux"
up = "fal/../x"
card = "local/crad"
table = { a = "1" }
[each]
scene = [{ id = "a", text = "one", lines = ["x"] }, { id = "b", text = "two", lines = [] }]
cut = ["wide", "tall"]
line = "${scene.lines}"
[node.still]
kind = "test.upper"
each = "scene"
text = "${scene.text}"
[node.sound]
kind = "test.sound"
text = "x"
[node.tried]
kind = "test.sound"
each = "scene"
takes = 2
text = "${scene.text}"
[node.number]
kind = "test.table"
text = "x"
"""
PICTURE = 'kind = "image.generate"\nprompt = "x"\n'
MISTAKES = {
    "an unknown name, with the nearest": ('text = "${stil}"', "nothing here is named `stil`", "did you mean `still`?"),
    "an unknown parameter": ('text = "${params.wrd}"', "no parameter `wrd`", "did you mean `word`?"),
    "a part of a parameter that is not there": ('text = "${params.table.b}"', "there is no field `b`", "there is: a"),
    "all instances where one is meant": ('each = "scene"\ntext = "${still}"', "shares the dimension `scene`", "${still[scene]}"),
    "a dimension that is not in scope": ('text = "${scene.text}"', "not over the dimension `scene`", 'add `each = "scene"`'),
    "this scene's where there is none": ('text = "${still[scene]}"', "not over `scene`", 'add `each = "scene"`'),
    "a field that no element has": ('each = "scene"\ntext = "${scene.txt}"', "no field `txt`", "did you mean `text`?"),
    "media joined into text": ('text = "hear ${sound}"', "media cannot be joined into text", ""),
    "media where text is taken": ('text = "${sound}"', "takes text, and this is audio", "`sound` (test.sound) makes audio"),
    "text where media are taken": ('kind = "test.listen"\nsounds = "${still}"', "takes list<audio>, and this is list<text>", ""),
    "a sound in the table of a list": ('kind = "image.compose"\nlayers = [{ color = "#fff" }, { image = "${sound}" }]', "`image` in `layers` of image.compose takes image, and this is audio", "`sound` (test.sound) makes audio"),
    "a sound in a table": ('kind = "image.compose"\nlayers = { image = "${sound}" }', "`image` in `layers` of image.compose takes image, and this is audio", ""),
    "no table where tables are taken": ('kind = "image.compose"\nlayers = "${sound}"', "`layers` of image.compose takes a list of tables, and this is audio", "`sound` (test.sound) makes audio"),
    "text where a table takes a sound": ('kind = "audio.mix"\ntracks = [{ audio = "${sound}" }, { audio = "${still}" }]', "`audio` in `tracks` of audio.mix takes audio, and this is list<text>", "`still`"),
    "a fact that it does not have": ('text = "${sound.length}"', "`length` is not a fact of audio", ""),
    "a dimension inside another, named first": ('each = ["line", "scene"]\ntext = "${line}"', "is over `scene` first", "scene"),
    "a dimension inside another, alone": ('each = "line"\ntext = "${line}"', "is over `scene` first", "scene"),
    "a dimension that the other node is not over": ("text = \"${still[cut='wide']}\"", "`still` is not over `cut`", "scene"),
    "too many in brackets": ('text = "${still[0, 1]}"', "only 1 dimension", ""),
    "a required neighbour that the first has not": ('each = "cut"\ntext = "${prev.cut}"', "has no neighbour there", ""),
    "a need that is no node": ('text = "x"\nneeds = "stil"', "nothing here is named `stil`", "did you mean `still`?"),
    "a condition that is no condition": ('text = "x"\nwhen = "${still[0]}"', "`when` is true or false, and this is text", "compare it"),
    "an output that does not tell instances apart": ('each = "scene"\ntext = "x"\noutput = "same"', "must name the dimension `scene`", "${label.scene}"),
    "an output that is known only later": ('text = "x"\noutput = "a-${still[0]}"', "must be known before anything runs", ""),
    "a list in one file": ('kind = "test.list"\ntext = "x"\noutput = "list"', "a list needs `*`", "frames/*"),
    "a reference to a provider that is none": (PICTURE + 'model = "${params.bad}"', "`fla` is no provider", "did you mean `fal`?"),
    "a reference to no model's name": (PICTURE + 'model = "${params.up}"', "`fal/../x` names no model of fal", "dagcontent models fal"),
    "a reference to a local model that is none": (PICTURE + 'model = "${params.card}"', "`local/crad` does not make image.generate", "did you mean `card`?"),
    "a reference to a word": (PICTURE + 'model = "${params.word}"', "`x` is neither an alias", 'write "local/card"'),
    "a joined name that is none": (PICTURE + 'model = "fla/${params.word}"', "`fla` is no provider", "fal"),
    "a model of an element that is none": (PICTURE + 'each = "cut"\nmodel = "fla/${cut}"', "`fla` is no provider", "did you mean `fal`?"),
    "a model that is made": (PICTURE + 'model = "${still[0]}"', "`model` must be known before anything runs", "literal list"),
    "a model by a parameter that is not there": (PICTURE + 'model = "${params.nobody}"', "no parameter `nobody`", ""),
    "takes where one is taken": ('text = "${tried[0]}"', "takes text, and this is list<audio>", "choose one, as with `take=0`"),
    "this take where there is none": ('each = "scene"\nkind = "test.listen"\nsounds = "${tried[scene, take]}"', "this is not over `tried.take`", 'add `each = "tried.take"`'),
    "its own take where the other's is meant": ('each = "scene"\ntakes = 2\nkind = "test.listen"\nsounds = "${tried[scene, take]}"', "so there is no `this take`", "tried.take"),
    "the take of a node without takes": ('each = "scene"\ntext = "${still[scene, take]}"', "`still` has no takes", "write takes = N in [node.still]"),
    "a take by name of a node without": ('each = "scene"\ntext = "${still[scene, take=0]}"', "`still` is not over `take`", "it is over scene"),
    "the takes of a node without takes": ('each = ["scene", "still.take"]\ntext = "x"', "no dimension `still.take`", "write takes = N in [node.still]"),
    "the takes of no node": ('each = "stil.take"\ntext = "x"', "no dimension `stil.take`", "did you mean `tried.take`?"),
    "its own takes": ('each = "it.take"\ntakes = 2\ntext = "x"', "no dimension `it.take`", "need no word in `each`"),
    "the element of a take": ('takes = 2\ntext = "${take}"', "a take has no element", "its number is `${index.take}`"),
    "the take before, as an element": ('takes = 2\ntext = "${prev.take}"', "a take has no element", "${NODE[take-1]}"),
    "the number of a take where there is none": ('text = "${index.take}"', "this has no takes here", "write takes = N"),
    "all takes where one is meant": ('each = ["scene", "tried.take"]\nkind = "test.listen"\nsounds = "${tried}"', "shares the dimension `scene`", "${tried[scene, take]}"),
    "an output that does not tell takes apart": ('takes = 2\ntext = "x"\noutput = "same"', "must name the take", "${label.take}"),
    "an output that does not tell another's takes apart": ('each = "tried.take"\ntext = "x"\noutput = "same"', "must name the dimension `tried.take`", "${label.tried.take}"),
    "itself": ('text = "${it}"', "a cycle: it -> it", ""),
}  # fmt: skip


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_said_where_it_is_with_what_would_be_right(tmp_path: Path, name: str) -> None:
    """One message, at a line of the node that is wrong, and a hint where there is one to give."""
    keys, message, hint = MISTAKES[name]
    kind = "" if "kind =" in keys else 'kind = "test.upper"\n'
    path = tmp_path / "graph.toml"
    path.write_text(f"{PRELUDE}[node.it]\n{kind}{keys}\n", encoding="utf-8")
    first_line = PRELUDE.count("\n") + 1
    found = [m for m in find_mistakes(path) if not m.warning]
    assert found, "it was taken"
    texts = [f"{m.message} {m.caret} {m.note} {' '.join(str(a) for a in m.also)}" for m in found]
    assert any(message in text and hint in text for text in texts), texts
    assert all(m.line >= first_line for m in found), texts
    assert len(found) == 1, texts


@pytest.mark.parametrize(
    "model",
    [
        "${params.good}",
        "local/card",
        "${params.painted.one}",
        "${params.painted[cut]}",
        "fal/fal-ai/flux/${cut}",
        "${cut.x}",
    ],
)
def test_models_by_reference_may_be_paid_and_aliases(tmp_path: Path, model: str) -> None:
    """They are known before anything runs: from parameters and from lists that are written out."""
    path = tmp_path / "graph.toml"
    cut = '[{ id = "a", x = "painter" }, { id = "b", x = "fal/y/two" }]' if "cut.x" in model else '["dev", "schnell"]'
    path.write_text(
        '[models]\npainter = "fal/fal-ai/flux/dev"\n[params]\ngood = "painter"\n'
        f'painted = {{ one = "fal/x/one", dev = "fal/x/one", schnell = "painter" }}\n[each]\ncut = {cut}\n'
        f'[node.it]\n{PICTURE}each = "cut"\nmodel = "{model}"\n',
        encoding="utf-8",
    )
    assert [m.message for m in find_mistakes(path) if not m.warning] == []


def test_every_mistake_of_a_file_is_found_at_once(tmp_path: Path) -> None:
    """One pass: nobody corrects a file ten times."""
    rows = [f'[node.n{i}]\nkind = "test.upper"\ntext = "${{nobody{i}}}"\n' for i in range(10)]
    path = tmp_path / "graph.toml"
    path.write_text(PRELUDE + "".join(rows), encoding="utf-8")
    found = find_mistakes(path)
    assert len({m.line for m in found}) == len(found) == 10


def test_a_cycle_is_one_mistake_with_the_line_of_each_edge(tmp_path: Path) -> None:
    """The whole way round, however many nodes hang on it."""
    text = '[graph]\nname = "g"\n' + "".join(
        f'[node.{a}]\nkind = "test.upper"\ntext = "${{{b}}}"\n' for a, b in [("a", "b"), ("b", "c"), ("c", "a"), ("d", "a"), ("e", "d")]
    )  # fmt: skip
    path = tmp_path / "graph.toml"
    path.write_text(text, encoding="utf-8")
    (found,) = find_mistakes(path)
    assert found.message == "a cycle: a -> b -> c -> a"
    assert len(found.also) == 3
