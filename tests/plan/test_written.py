"""What nodes ask for as it is written: a digest that edits change and that time does not."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from dagcontent import api
from dagcontent.plan.written import digests_of

GRAPH = """\
[graph]
name = "g"

[params]
tone = "calm"

[[each.look.of]]
id = "a"
word = "red"

[each.scene]
of = "${script.scenes}"
max = 8

[node.script]
kind = "text.generate"
model = "openrouter/openai/gpt-6-luna"
prompt = "Three scenes, ${params.tone}"
returns = { scenes = [{ id = "text", picture = "text" }] }

[node.still]
kind = "image.generate"
model = "fal/fal-ai/flux/dev"
each = ["scene", "look"]
prompt = "${scene.picture} in ${look.word}"

[node.logo]
kind = "image.resize"
image = "logo.png"
width = 64

[node.edit]
kind = "image.edit"
model = "openai/gpt-image-2"
image = "${logo}"
prompt = "As ${script.scenes[0].picture}"
"""
Digests = Callable[..., dict[str, str]]


@pytest.fixture
def digests(tmp_path: Path) -> Digests:
    """Return the digests of a graph's text, in a folder that is another each time."""
    count = 0

    def of(text: str, logo: bytes = b"logo") -> dict[str, str]:
        nonlocal count
        count += 1
        folder = tmp_path / str(count)
        folder.mkdir()
        (folder / "logo.png").write_bytes(logo)
        (folder / "g.toml").write_text(text, encoding="utf-8")
        loaded = api.load(folder / "g.toml")
        return digests_of(loaded.graph, file_digest=lambda path: Path(path).read_text(), values=lambda _node: [])

    return of


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('name = "g"', 'name = "h"  # a comment'), ("[params]", "\n\n[params]"), ('tone = "calm"', "tone = 'calm'"),
        ("width = 64", 'width = 64\noutput = "logo"'), ("[node.logo]", '[node.free]\nkind = "text.template"\ntext = "x"\n[node.logo]'),
    ],
)  # fmt: skip
def test_what_changes_nothing_that_is_asked_changes_no_digest(digests: Digests, old: str, new: str) -> None:
    """A comment, a blank line, a name of the graph, another node, where a file goes: the plan still holds."""
    before, after = digests(GRAPH), digests(GRAPH.replace(old, new))
    assert {name: after[name] for name in before} == before


@pytest.mark.parametrize(
    ("old", "new", "changed"),
    [
        ("calm", "loud", {"script", "still", "edit"}),
        ("Three scenes", "Two scenes", {"script", "still", "edit"}),
        (" in ${look", " of ${look", {"still"}),
        ("red", "blue", {"still"}),
        ("max = 8", "max = 9", {"still"}),
        ("fal-ai/flux/dev", "fal-ai/flux-2-pro", {"still"}),
        ("width = 64", "width = 65", {"logo", "edit"}),
        ("scenes[0]", "scenes[1]", {"edit"}),
    ],
)
def test_an_edit_changes_what_it_reaches(digests: Digests, old: str, new: str, changed: set[str]) -> None:
    """The node it stands in and all that depends on it, by whatever way; nothing else."""
    before, after = digests(GRAPH), digests(GRAPH.replace(old, new))
    assert {name for name in before if before[name] != after[name]} == changed


def test_the_bytes_of_a_file_count(digests: Digests) -> None:
    """A picture under the same name is another picture; where it lies does not matter."""
    before = digests(GRAPH)
    assert digests(GRAPH) == before
    after = digests(GRAPH, logo=b"another")
    assert {name for name in before if before[name] != after[name]} == {"logo", "edit"}
