"""One step of a path into a value: the linked step, and the type after it. Knows no nodes.

What cannot be linked is a `BadReference`, which whoever links turns into a mistake at its place.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from dagcontent.graph.model import FactStep, IndexStep, MemberStep, StarStep, Step
from dagcontent.graph.typing import FACT_TYPES, SELECTION_FACTS
from dagcontent.spec.model import Ref
from dagcontent.spec.nearest import nearest
from dagcontent.values.types import ANY, Type

__all__ = ["BadReference", "did_you_mean", "member", "static_step"]


class BadReference(Exception):  # noqa: N818 - said of the reference; it becomes a mistake, not an error
    """A reference that cannot be linked: what is wrong, what would be right."""

    def __init__(self, message: str, caret: str = "", note: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.caret = caret
        self.note = note


def did_you_mean(name: str, among: Iterable[str]) -> str:
    """Return "did you mean `x`?" for the nearest name, or nothing."""
    close = nearest(name, among)
    return "" if close is None else f"did you mean `{close}`?"


def member(name: str, kind: Type) -> tuple[Step, Type]:
    """Return the step `.name` into a value of a type, and the type of what is there. Raises BadReference."""
    if kind.name in {"any", "json"}:
        return MemberStep(name), ANY
    if kind.name == "record":
        field = kind.field(name)
        if field is None:
            names = [f.name for f in kind.fields]
            raise BadReference(
                f"there is no field `{name}`", did_you_mean(name, names) or f"there is: {', '.join(names)}"
            )
        return MemberStep(name, field.optional), field.type
    if kind.artifact or kind.name == "text":
        if name in FACT_TYPES:
            return FactStep(name), FACT_TYPES[name]
        if name in SELECTION_FACTS:
            raise BadReference(f"`{name}` is not a fact of {kind}", "it is one of what a selection gives: kind select")
        raise BadReference(
            f"`{name}` is not a fact of {kind}", did_you_mean(name, FACT_TYPES) or f"facts are: {', '.join(FACT_TYPES)}"
        )
    if kind.name == "list":
        raise BadReference(f"a list has no field `{name}`", f"write `[*].{name}` for that of every element")
    raise BadReference(f"{kind} has no field `{name}`", "")


def static_step(value: Any, step: Step, ref: Ref) -> Any:
    """Take one step into a literal, now: what is not there is a mistake, not a surprise of the build."""
    if isinstance(step, StarStep):
        return value
    if isinstance(step, IndexStep):
        if not isinstance(value, list) or step.position >= len(value):
            raise BadReference(f"`{ref.text}`: there is no position {step.position}", "")
        return value[step.position]
    assert isinstance(step, MemberStep)
    if isinstance(value, list):
        return [static_step(item, step, ref) for item in value]
    if not isinstance(value, dict) or step.name not in value:
        raise BadReference(f"`{ref.text}`: there is no `{step.name}`", "")
    return value[step.name]
