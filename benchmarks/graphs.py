"""Sizes and a seed into graph files, and into the same edges for others. Knows no timing.

Everything is written line by line: whoever measures memory must stay small itself.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

__all__ = ["SEED", "dag", "fan_graph", "made_fan_graph", "scenes_graph", "write_dag"]

SEED = 1
_REACH = 100
_LIST_MOST = 1000
"""Longest list that local/outline makes."""


def dag(nodes: int, *, fan: int = 2, seed: int = SEED) -> Iterator[list[int]]:
    """Yield each node's inputs: `fan` of the hundred nodes before it. The last node is a leaf."""
    chance = random.Random(seed)
    for i in range(nodes):
        before = range(max(0, i - _REACH), i)
        yield sorted(chance.sample(before, min(fan, i)))


def write_dag(path: Path, nodes: int, *, leaf: str = "", comment: str = "") -> None:
    """Write the graph of `dag` in free nodes; `leaf` changes the prompt of the last one, `comment` changes nothing."""
    with path.open("w", encoding="utf-8") as file:
        file.write('[graph]\nname = "bench"\n')
        for i, inputs in enumerate(dag(nodes)):
            words = " ".join(f"${{n{j}}}" for j in inputs)
            edited = leaf if i == nodes - 1 else ""
            file.write(
                f'\n[node.n{i}]\nkind = "text.generate"\nmodel = "local/outline"\n'
                f'prompt = "step {i}{edited} {words}"\nmax_tokens = 8\n'
            )
        if comment:
            file.write(f"\n# {comment}\n")


def scenes_graph(scenes: int, *, leaf: str = "", comment: str = "") -> str:
    """Return a graph like the example's, of text and cards only: it builds in moments. `leaf` edits the last sheet."""
    listed = "".join(
        f'\n[[each.scene.of]]\nid = "s{i}"\nline = "Scene {i} begins where the last one ended."\n'
        f'picture = "Hill number {i} at dusk, a lantern on it"\n'
        for i in range(scenes)
    )
    return f"""[graph]
name = "scenes"
{listed}
[node.line]
kind = "text.template"
each = "scene"
text = "${{scene.line}}"

[node.card]
kind = "image.generate"
each = "scene"
model = "local/card"
prompt = "${{scene.picture}}"
size = "360x640"

[node.small]
kind = "image.resize"
each = "scene"
image = "${{card[scene]}}"
width = 180

[node.titled]
kind = "image.caption"
each = "scene"
image = "${{small[scene]}}"
text = "${{line[scene]}}{leaf}"

[node.sheet]
kind = "image.grid"
images = "${{titled}}"
output = "sheet"
# {comment}
"""


def fan_graph(items: int) -> str:
    """Return a graph with one instance for each element of a literal list, gathered at the end."""
    listed = ",\n".join(f'"item {i}"' for i in range(items))
    return f'[graph]\nname = "fan"\n\n[each.item]\nof = [{listed}]\n{_PAGES}'


def made_fan_graph(items: int) -> str:
    """Return a graph with one instance for each element of a list that is known only when it was made."""
    lists = [min(_LIST_MOST, items - at) for at in range(0, items, _LIST_MOST)]
    nodes = "".join(
        f'\n[node.list{i}]\nkind = "text.generate"\nmodel = "local/outline"\nprompt = "items of part {i}"\n'
        f'schema = {{ type = "array", minItems = {count}, maxItems = {count}, items = {{ type = "string" }} }}\n'
        for i, count in enumerate(lists)
    )
    joined = "\\n".join(f"${{list{i}}}" for i in range(len(lists)))
    split = f'\n[node.items]\nkind = "text.split"\nby = "line"\ntext = "{joined}"\n'
    return f'[graph]\nname = "fan"\n\n[each.item]\nof = "${{items}}"\nmax = {items}\n{nodes}{split}{_PAGES}'


_PAGES = """
[node.page]
kind = "text.generate"
model = "local/outline"
each = "item"
prompt = "page ${index.item}: ${item}"
max_tokens = 8

[node.book]
kind = "text.template"
text = "${page}"
"""
