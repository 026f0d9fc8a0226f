"""A parameter that is a list of tables, through whole builds: what is an input, what is edited, what comes out."""

from __future__ import annotations

from pathlib import Path

from PIL import Image

from dagcontent.api import build, why

CARD = """
[node.hue]
kind = "image.compose"
width = 8
height = 8
layers = [{ color = "#2266aa" }]
[node.card]
kind = "image.compose"
output = "card"
layers = [
  { image = "${hue}" },
  { image = "logo.png", box = [0, 0, 4, 4], opacity = 0.5 },
  { color = "#ffffff", box = [4, 4, 2, 2] },
]
"""


def test_what_is_in_a_table_is_an_input(tmp_path: Path) -> None:
    """A new logo makes the cards anew, an edit of one layer is named by it, and nothing else is made."""
    graph, logo, store = tmp_path / "card.toml", tmp_path / "logo.png", tmp_path / "store"

    def built(text: str) -> dict[str, str]:
        graph.write_text(text, encoding="utf-8")
        return {node.node: node.status for node in build(graph, store=store).nodes}

    def changed(text: str) -> tuple[str | None, list[str]]:
        graph.write_text(text, encoding="utf-8")
        told = why(graph, "card", store=store)
        return told.cause, [diff.field for diff in told.diffs if diff.changed]

    Image.new("RGB", (4, 4), "#ff0000").save(logo)
    assert built(CARD) == {"hue": "ran", "card": "ran"}
    with Image.open(tmp_path / "out" / "card.png") as card:
        assert card.getpixel((1, 1)) == (145, 51, 85)  # half of the logo over the hue
        assert card.getpixel((5, 5)) == (255, 255, 255)
    assert built(CARD.replace("opacity = 0.5", "opacity = 0.50, fit = 'contain'")) == {"hue": "hit", "card": "hit"}
    assert changed(CARD.replace("0.5", "0.6")) == ("edit", ["params.layers[1].opacity"])
    assert changed(CARD.replace("[4, 4, 2, 2]", "[4, 4, 3, 3]")) == ("edit", ["params.layers[2].box"])
    assert changed(CARD.replace(", opacity = 0.5", "")) == ("edit", ["params.layers[1].opacity"])
    assert changed(CARD.replace("#2266aa", "#000000")) == ("upstream", ["params.layers[0].image"])
    assert changed(CARD.replace("  { color", "  { text = 'x' },\n  { color")) == ("edit", ["params.layers"])
    Image.new("RGB", (4, 4), "#00ff00").save(logo)
    assert changed(CARD)[1] == ["params.layers[1].image"]
    assert built(CARD) == {"hue": "hit", "card": "ran"}
