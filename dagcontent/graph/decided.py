"""Entries of a choices file against the nodes of its graph: mistakes, and warnings of what is not there. Knows no instances."""

from __future__ import annotations

from collections.abc import Iterator

from dagcontent.kinds.declaration import WORKED_OUT, Effect
from dagcontent.kinds.registry import kind_of
from dagcontent.spec.model import Pipeline
from dagcontent.spec.nearest import nearest
from dagcontent.values.mistake import Mistake

__all__ = ["check_choices"]


def check_choices(pipeline: Pipeline) -> Iterator[Mistake]:
    """Yield what is wrong with choices, as far as nodes tell."""
    for choice in pipeline.choices:
        node = pipeline.nodes.get(choice.node)
        file, path = choice.place.file, choice.place.path
        if node is None:
            if choice.node not in pipeline.broken:
                close = nearest(choice.node, pipeline.nodes)
                caret = f"did you mean `{close}`?" if close else "take the entry out, or bring the node back"
                message = f"there is no node `{choice.node}`: what was decided about it is not applied"
                yield Mistake(message, file, path, "header", None, caret, warning=True)
        elif kind_of(node.kind).effect is Effect.PERSON:
            if choice.about or choice.pin is not None or choice.pick is not None or choice.reroll:
                message = f"{node.kind} makes nothing of its own: `{choice.node}` is `approved` or `rejected`, and nothing else"
                yield Mistake(message, file, path, "header", None, "take the rest out")
            elif choice.approved is not None and choice.approved == choice.rejected:
                message = f"`{choice.node}` is approved and rejected, of the same content"
                yield Mistake(message, file, (*path, "rejected"), "key", None, "take one of them out")
        elif choice.approved is not None or choice.rejected is not None or choice.note:
            message = f"`approved`, `rejected` and `note` are for gates, and `{choice.node}` is {node.kind}"
            yield Mistake(message, file, path, "header", None, "take them out")
        elif kind_of(node.kind).chooses:
            if choice.pin is not None or choice.reroll:
                message = (
                    f"{node.kind} makes nothing of its own: what can be decided about `{choice.node}` is its `pick`"
                )
                yield Mistake(message, file, path, "header", None, "reroll or pin what it chooses from")
            elif choice.pick is not None and "top" in node.params:
                message = f"`{choice.node}` gives its best few, and a pick is for one"
                yield Mistake(message, file, (*path, "pick"), "key", None, "take it out")
        elif choice.pin is not None and "." in node.name:
            of = node.name.partition(".")[0]
            message = f"`{choice.node}` is what `{of}` asks: an answer about other candidates cannot stay"
            yield Mistake(message, file, (*path, "pin"), "key", None, f"what can be decided about `{of}` is its `pick`")
        elif choice.pick is not None:
            message = f"`pick` is for selections, and `{choice.node}` is {node.kind}"
            yield Mistake(message, file, (*path, "pick"), "key", None, "take it out")
        elif kind_of(node.kind).effect in WORKED_OUT:
            message = f"{node.kind} gives the same every time: there is nothing to decide about `{choice.node}`"
            yield Mistake(message, file, path, "header", None, "take the entry out")
