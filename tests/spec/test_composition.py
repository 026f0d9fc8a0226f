"""Golden messages: what is wrong with a graph within a graph, said in the file that it stands in, with the node it is read for."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest

from dagcontent.api.loading import find_mistakes
from dagcontent.spec.load import load
from dagcontent.spec.source import render

GOLDEN = Path(__file__).parent / "composition.txt"

AD = """\
[graph]
name = "ad"
[params]
text = { required = true, type = "text", help = "what is said" }
tone = { value = "warm", choices = ["warm", "cold"] }
count = 3
[each.scene]
of = ["x", "y"]
[node.line]
kind = "text.template"
each = "scene"
text = "${params.text} ${params.tone} ${params.count} ${scene}"
[exports]
lines = "${line}"
first = "${line[0]}"
"""
NODE = '[node.ad]\nkind = "graph"\npath = "ad.toml"\n'
GIVEN = 'params = { text = "x" }\n'
LANG = '[each.lang]\nof = ["es", "de"]\n'
USE = '[node.end]\nkind = "text.template"\ntext = "{}"\n'

CASES = {
    "what is given is not what is declared": NODE + 'params = { text = 5, tone = "wrm", count = "many", tine = "x" }\n',
    "what is required is not given": NODE,
    "what is required is not given among others": NODE + "params = { count = 4 }\n",
    "params are no table": NODE + 'params = "${x}"\n',
    "a picture is given for text": NODE
    + 'params = { text = "${photo}" }\n[node.photo]\nkind = "image.generate"\nmodel = "local/card"\nprompt = "x"\n',
    "keys that a graph does not take": NODE
    + GIVEN
    + 'takes = 3\noutput = "x"\nmodel = "local/card"\non_error = "skip"\n',
    "no such file": NODE.replace("ad.toml", "add.toml") + GIVEN,
    "a path with a reference": NODE.replace("ad.toml", "${params.x}") + GIVEN,
    "a file outside": NODE.replace("ad.toml", "../ad.toml") + GIVEN,
    "the graph alone is no value": NODE + GIVEN + USE.format("${ad} ${ad[0].first}"),
    "an export that is not there": NODE + GIVEN + USE.format("${ad.frist} ${ad.lines.x}"),
    "all where one is meant": LANG + NODE + 'each = "lang"\n' + GIVEN + USE.format("${ad.first}") + 'each = "lang"\n',
    "a dimension of the inner graph": NODE + GIVEN + USE.format("${ad.lines[scene]} ${scene}"),
    "a profile for a node within": NODE + GIVEN + '[profile.p.node."ad/line"]\ntext = "x"\n',
    "a budget within": "BUDGET" + NODE + GIVEN,
}
INSIDE = {
    "an unknown parameter": ('text = "${', 'txt = "${'),
    "a reference to nothing": ("${scene}", "${sceen}"),
    "a name of the outer graph": ("${scene}", "${lang}"),
    "TOML that cannot be read": ("[exports]", "[exports"),
    "an export of nothing": ("${line[0]}", "${lien[0]}"),
    "an export that is no expression": ("${line[0]}", "${line[0"),
}


def said(folder: Path) -> str:
    """Return what a person reads about outer.toml."""
    text = "\n\n".join(render(found) for found in find_mistakes(folder / "outer.toml"))
    return text.replace(f"{folder}/", "").replace(str(folder), "FOLDER")


def test_messages_are_as_recorded(tmp_path: Path, golden: bool) -> None:
    """A message is an interface for people: a change of it is a change to look at (--golden records anew)."""
    screens = []
    for name, text in CASES.items():
        inner = AD.replace('"ad"\n', '"ad"\nbudget_usd = 1.5\n') if text.startswith("BUDGET") else AD
        (tmp_path / "ad.toml").write_text(inner, encoding="utf-8")
        (tmp_path / "outer.toml").write_text(text.removeprefix("BUDGET"), encoding="utf-8")
        screens.append(f"==== {name}\n\n{said(tmp_path)}\n")
    two = NODE + GIVEN + NODE.replace(".ad]", ".bd]") + GIVEN
    for name, (old, new) in INSIDE.items():
        (tmp_path / "ad.toml").write_text(AD.replace(old, new), encoding="utf-8")
        (tmp_path / "outer.toml").write_text(two, encoding="utf-8")
        screens.append(f"==== in the inner graph: {name}\n\n{said(tmp_path)}\n")
    text = "\n".join(screens)
    if golden:
        GOLDEN.write_text(text, encoding="utf-8")
    assert text == GOLDEN.read_text(encoding="utf-8")


def chain(folder: Path, *links: str) -> Path:
    """Write graphs of which each holds the next; return the first."""
    for name, inner in pairwise(links):
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(f'[node.n]\nkind = "graph"\npath = "{inner.rpartition("/")[2]}"\n', encoding="utf-8")
    return folder / links[0]


@pytest.mark.parametrize(
    "links", [("a.toml", "a.toml"), ("a.toml", "b.toml", "a.toml"), ("a.toml", "b.toml", "c.toml", "b.toml")]
)
def test_a_graph_that_contains_itself_is_told_with_every_file_on_the_way(
    tmp_path: Path, links: tuple[str, ...]
) -> None:
    """It would have no end; who mends it needs to see where it goes round."""
    found = find_mistakes(chain(tmp_path, *links))
    assert len(found) == 1
    round_ = links[links.index(links[-1]) :]
    assert found[0].message == f"a graph that contains itself: {' -> '.join(str(tmp_path / name) for name in round_)}"
    places = {found[0].file, *(spot.file for spot in found[0].also)}
    assert places == {str(tmp_path / name) for name in links}


def test_graphs_may_stand_within_each_other_to_a_depth(tmp_path: Path) -> None:
    """Deep enough for anybody's work, and no way to fill a machine with a few small files."""
    names = [f"g{i}.toml" for i in range(8)]
    path = chain(tmp_path, *names)
    (tmp_path / names[-1]).write_text("[exports]\nx = 1\n", encoding="utf-8")
    assert not find_mistakes(path)
    for name, inner in pairwise(names):
        nodes = [f'[node.n{i}]\nkind = "graph"\npath = "{inner}"\n' for i in range(6)]
        (tmp_path / name).write_text("".join(nodes), encoding="utf-8")
    assert any("graphs stand within this one" in mistake.message for mistake in find_mistakes(path))
    deep = chain(tmp_path, *(f"d{i}.toml" for i in range(12)))
    (tmp_path / "d11.toml").write_text("", encoding="utf-8")
    assert [m.message for m in find_mistakes(deep)] == ["more than 8 graphs stand within each other"]


def test_a_graph_is_read_once_and_what_it_includes_is_its_own(tmp_path: Path) -> None:
    """A file that two graphs include is a part of both, and a memo rests on each file once."""
    (tmp_path / "common.toml").write_text('[models]\nm = "local/card"\n', encoding="utf-8")
    (tmp_path / "t.txt").write_text("a ${params.x}", encoding="utf-8")
    picture = '[node.p]\nkind = "image.generate"\nmodel = "m"\nprompt = { template = "t.txt" }\n'
    head = '[graph]\ninclude = ["common.toml"]\n[params]\nx = "x"\n'
    (tmp_path / "ad.toml").write_text(head + picture, encoding="utf-8")
    nodes = NODE + NODE.replace(".ad]", ".bd]")
    (tmp_path / "outer.toml").write_text(head + picture + nodes, encoding="utf-8")
    loaded = load(tmp_path / "outer.toml")
    assert loaded.ok
    assert sorted(Path(path).name for path, _ in loaded.files) == ["ad.toml", "common.toml", "outer.toml", "t.txt"]
