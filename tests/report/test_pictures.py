from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from dagcontent import api
from dagcontent.plan.model import PlanRow
from dagcontent.report.diagrams import document, dot, mermaid, table
from dagcontent.report.picture import Box, Picture, picture_of
from dagcontent.report.svg import svg


def parsed(text: str) -> ET.Element:
    """Read what we drew ourselves."""
    return ET.fromstring(text)  # noqa: S314 - our own


SVG = "{http://www.w3.org/2000/svg}"
GRAPH = """\
[graph]
name = "small"
[each]
scene = ["a", "b", "c"]
[node.line]
kind = "text.template"
each = "scene"
text = "${scene}"
[node.card]
kind = "image.generate"
each = "scene"
model = "local/card"
prompt = "${line[scene]}"
[node.titled]
kind = "image.caption"
each = "scene"
image = "${card[scene]}"
text = "${line[scene]}"
[node.sheet]
kind = "image.grid"
images = "${titled}"
output = "sheet"
"""
HOSTILE = "<script>alert(1)</script>\"'&]]>\x1b[31m\u202e\x00"


@pytest.fixture
def small(tmp_path: Path) -> Picture:
    """A picture with statuses of several kinds."""
    path = tmp_path / "small.toml"
    path.write_text(GRAPH, encoding="utf-8")
    rows = [
        PlanRow(f"card[{x}]", "image.generate", "local/card", s)
        for x, s in zip("abc", ["hit", "hit", "run"], strict=True)
    ]
    rows += [PlanRow("sheet", "image.grid", "", "run")]
    return picture_of(api.load(path).graph, rows)


def test_a_fan_out_is_one_box_with_counts(small: Picture) -> None:
    """Thousands of instances are one box: what matters is how many of them are to be made."""
    boxes = {box.name: box for box in small.boxes}
    assert (boxes["card"].many, boxes["card"].status) == ("x3 scene", "2 hit 1 run")
    assert (boxes["line"].value, boxes["line"].status) == (True, "")
    assert (boxes["sheet"].output, boxes["sheet"].family) == (True, "image")
    assert small.counts == {"hit": 2, "run": 2}
    assert ("line", "titled") not in small.arrows, "implied by line -> card -> titled"


def test_svg_is_whole_accessible_and_the_same_each_time(small: Picture) -> None:
    """Ids are stable, there is a title and a description, both grounds have colours, and nothing comes from elsewhere."""
    text = svg(small)
    assert text == svg(small)
    root = parsed(text)
    ids = [element.get("id") for element in root.iter() if element.get("id")]
    assert len(ids) == len(set(ids))
    assert {"node-card", "node-line", "arrow-line-card", "picture-title", "picture-desc"} <= set(ids)
    assert root.get("role") == "img"
    assert root.find(f"{SVG}title").text == "small"  # type: ignore[union-attr]
    assert "card: image.generate, local/card, x3 scene, 2 hit 1 run" in str(root.find(f"{SVG}desc").text)  # type: ignore[union-attr]
    assert "prefers-color-scheme: dark" in text
    assert "http" not in text.replace("http://www.w3.org/2000/svg", "")


def test_svg_keeps_boxes_inside(small: Picture) -> None:
    """Nothing is drawn beyond the edge."""
    root = parsed(svg(small))
    _, _, width, height = map(float, str(root.get("viewBox")).split())
    for group in root.iter(f"{SVG}g"):
        move = group.get("transform")
        if move:
            x, y = map(float, move.removeprefix("translate(").removesuffix(")").split())
            edge = group.find(f"{SVG}rect")
            assert edge is not None
            assert x + float(str(edge.get("width"))) <= width
            assert y + float(str(edge.get("height"))) <= height


def test_hostile_texts_stay_texts() -> None:
    """A picture is shared and opened in browsers: names and models of a graph are letters in it, nothing else."""
    box = Box("card", HOSTILE, "image", HOSTILE, HOSTILE, statuses=(("hit", 1),))
    picture = Picture(HOSTILE, HOSTILE, ((box,),), ())
    text = svg(picture)
    root = parsed(text)
    assert not [
        e
        for e in root.iter()
        if e.tag not in {SVG + n for n in ("svg", "g", "rect", "path", "text", "title", "desc", "style")}
    ]
    for drawn in (text, mermaid(picture), dot(picture)):
        assert not {"\x1b", "\x00", "\u202e"} & set(drawn)
    assert "<script>" not in mermaid(picture)
    assert mermaid(picture).count('"') == 2
    assert json.loads(json.dumps(document(picture)))["nodes"][0]["kind"] == HOSTILE


def test_very_long_texts_are_cut() -> None:
    """One long name does not make every box as wide as it."""
    boxes = tuple(Box(f"n{i}", "image.generate", "image", "provider/" + "m" * 500 * i) for i in range(2))
    root = parsed(svg(Picture("long", "", (boxes,), ())))
    assert float(str(root.get("viewBox")).split()[2]) < 500


def test_diagrams_name_every_node_and_arrow(small: Picture) -> None:
    """The same graph for other programs."""
    text = mermaid(small)
    assert text.startswith("flowchart LR\n")
    assert 'n_line(["line  x3 scene<br/>text.template"])' in text
    assert 'n_card["card  x3 scene<br/>local/card<br/>2 hit 1 run"]:::run' in text
    assert "  n_line --> n_card\n" in text
    drawn = dot(small)
    assert drawn.startswith('digraph "small" {')
    assert '"line" -> "card";' in drawn
    assert ["sheet", "image.grid", "", "1 run", "titled"] in table(small)
    assert document(small)["edges"] == [{"from": a, "to": b} for a, b in small.arrows]


def test_an_empty_picture_is_a_picture() -> None:
    """No nodes, no fault."""
    picture = Picture("none", "", (), ())
    assert parsed(svg(picture)).tag == f"{SVG}svg"
    assert mermaid(picture) == "flowchart LR\n"
