"""Types across edges, bounds of literals that came by reference, and file names: what links are needed to see.

Knows no store and no content. `spec` checks what one table can say of itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date
from typing import Final

import msgspec

from dagcontent.graph.capable import incapable
from dagcontent.graph.model import (
    AllOf,
    Dimension,
    Element,
    Expr,
    Join,
    Label,
    Literal,
    MemberStep,
    Node,
    Output,
    Position,
    Sequence,
    Table,
    exprs_in,
)
from dagcontent.graph.steps import did_you_mean
from dagcontent.graph.takes import TAKE
from dagcontent.graph.typing import fits_param
from dagcontent.kinds.declaration import Param
from dagcontent.spec.aliases import PROVIDERS, is_provider, is_well_formed, makers
from dagcontent.spec.model import Place, Template
from dagcontent.values.mistake import Mistake

__all__ = ["check_node"]

_UNKNOWN: Final = object()


def check_node(
    node: Node, nodes: list[Node], dimensions: list[Dimension], today: date | None = None
) -> Iterator[Mistake]:
    """Yield what is wrong with a linked node. `today` decides which models have ended; in a list they are passed over."""
    found = list(_one(node, nodes, dimensions, today))
    for other in node.fallbacks:
        found += [mistake for mistake in _one(other, nodes, dimensions, today) if mistake not in found]
    ended = sum(bool(mistake.ended) for mistake in found)
    for mistake in found:
        passed = mistake.ended and ended <= len(node.fallbacks)
        yield msgspec.structs.replace(mistake, warning=True, ended="", caret="it is passed over") if passed else mistake


def _one(node: Node, nodes: list[Node], dimensions: list[Dimension], today: date | None) -> Iterator[Mistake]:
    """Yield what is wrong with a linked node. `today` decides which models have ended."""
    for name, expr in node.params if node.asking is None else ():  # what is asked was made to fit
        if not isinstance(expr, Literal) or expr.place is None or not _within(expr.place, node.spec.place):
            yield from _param(node, name, expr, nodes)  # the loader checked what is written in the node itself
    if node.model is not None:
        yield from _models(node, dimensions, lambda model: _model(node, model, nodes, dimensions, today))
    if node.model is not None and not isinstance(node.model, Literal) and _depends_on_made(node.model):
        yield _mistake(
            node,
            "model",
            "`model` must be known before anything runs",
            "refer to params or a dimension with a literal list",
        )
    if node.output is not None:
        yield from _output_name(node, dimensions)


def _within(place: Place, node: Place) -> bool:
    return place.file == node.file and place.path[: len(node.path)] == node.path


def _models(node: Node, dimensions: list[Dimension], check: Callable[[str], Iterator[Mistake]]) -> Iterator[Mistake]:
    """Check every model that a node can be made by: the one that is written out, or all that a reference stands for."""
    expr = node.model
    assert expr is not None
    models_seen: set[str] = set()
    said: set[str] = set()
    for value in _possible(expr, dimensions):
        if value is None and isinstance(expr, Literal):
            continue  # a reference that could not be linked: noted already
        if not isinstance(value, str):
            found = [_mistake(node, "model", f"`model` is text, and this is {value!r:.40}", "as local/card")]
        else:
            model = node.models.get(value, value)
            if value in node.model_lists:
                text = f"`{value}` is a list of models, and a reference stands for one"
                found = [_mistake(node, "model", text, f'write model = "{value}"')]
            else:
                found = [] if model in models_seen else list(check(model))
            models_seen.add(model)
        # A list of a thousand elements may be wrong a thousand times in the same way.
        yield from (mistake for mistake in found if mistake.message not in said)
        said.update(mistake.message for mistake in found)


def _model(
    node: Node, model: str, nodes: list[Node], dimensions: list[Dimension], today: date | None
) -> Iterator[Mistake]:
    """Check one model, `provider/name`, for the kind of a node."""
    if isinstance(node.spec.model, Template):  # the loader checked those that are written out
        wrong = _misnamed(node, model)
        if wrong is not None:
            yield _mistake(node, "model", *wrong)
            return
    yield from incapable(node, model, nodes, dimensions, today)


def _misnamed(node: Node, model: str) -> tuple[str, str] | None:
    """Return what is wrong with the name of a model, and what would be right."""
    provider, slash, name = model.partition("/")
    kind = node.kind
    if not slash:
        return f"`{model}` is neither an alias of [models] nor provider/name", makers(kind, '"{}"')
    if not is_provider(provider):
        return f"`{provider}` is no provider", did_you_mean(provider, PROVIDERS) or f"providers: {', '.join(PROVIDERS)}"
    if not is_well_formed(model):
        return f"`{model}` names no model of {provider}", f"dagcontent models {provider} lists them"
    if provider == "local" and name not in kind.stand_ins:
        return f"`{model}` does not make {kind.name}", did_you_mean(name, kind.stand_ins) or makers(kind)
    return None


def _possible(expr: Expr, dimensions: list[Dimension]) -> Iterator[object]:
    """Yield the values an expression over params and one literal list can have; of more lists, none."""
    dims = {part.dim for part in exprs_in(expr) if isinstance(part, Element)}
    if not dims:
        value = _value(expr, None)
        if value is not _UNKNOWN:
            yield value
    elif len(dims) == 1:
        of = dimensions[dims.pop()].of
        for element in of.value if isinstance(of, Literal) and isinstance(of.value, list) else ():
            value = _value(expr, element)
            if value is not _UNKNOWN:
                yield value


def _value(expr: Expr, element: object) -> object:
    """Return the value of an expression for one element of the list it speaks of; `_UNKNOWN` where that takes more."""
    if isinstance(expr, Literal):
        return expr.value
    if isinstance(expr, Element) and not expr.shift:
        value = element
        for step in expr.steps:
            if not isinstance(step, MemberStep):
                return _UNKNOWN
            value = value.get(step.name) if isinstance(value, dict) else None
        return value
    if isinstance(expr, Join):
        parts = [part if isinstance(part, str) else _value(part, element) for part in expr.parts]
        texts = [part for part in parts if isinstance(part, str)]
        return "".join(texts) if len(texts) == len(parts) else _UNKNOWN
    return _UNKNOWN


def _depends_on_made(expr: Expr) -> bool:
    return any(isinstance(e, Output) for e in exprs_in(expr))


def _param(node: Node, name: str, expr: Expr, nodes: list[Node]) -> Iterator[Mistake]:
    param = node.kind.param(name)
    if param is None:
        return
    if param.fields:
        yield from _fields(node, name, param, expr, nodes)
    if not fits_param(expr.type, param):
        wanted = "a list of tables" if param.fields else " or ".join(str(t) for t in (param.type, *param.also))
        hint = ""
        if isinstance(expr, Output):
            made = nodes[expr.node]
            hint = f"`{made.name}` ({made.kind.name}) makes {made.type}"
            if made.spec.takes is not None and isinstance(expr.picks[-1], AllOf):
                hint += f", and these are its takes: choose one, as with `{TAKE}=0` in brackets"
        yield _mistake(node, name, f"`{name}` of {node.kind.name} takes {wanted}, and this is {expr.type}", hint, expr)
    elif (
        isinstance(expr, Literal) and isinstance(expr.value, str) and expr.value not in (param.choices or (expr.value,))
    ):
        yield _mistake(
            node, name, f"`{name}` of {node.kind.name} is one of: {', '.join(param.choices)}", f"this is `{expr.value}`"
        )
    elif isinstance(expr, Literal) and isinstance(expr.value, int | float) and not isinstance(expr.value, bool):
        low, high = param.minimum, param.maximum
        if (low is not None and expr.value < low) or (high is not None and expr.value > high):
            span = f"{'' if low is None else f'{low:g}'} to {'' if high is None else f'{high:g}'}"
            yield _mistake(node, name, f"`{name}` of {node.kind.name} goes from {span}, and this is {expr.value:g}", "")
    if param.required and isinstance(expr, Element) and expr.shift:
        yield _mistake(
            node, name,
            f"`{name}` is required, and the {'first' if expr.shift < 0 else 'last'} element has no neighbour there",
            "join it with other text, or use an optional parameter", expr,
        )  # fmt: skip


def _fields(node: Node, name: str, param: Param, expr: Expr, nodes: list[Node]) -> Iterator[Mistake]:
    """Yield what does not fit in the tables of a parameter, each at its place; the loader checked what is no reference."""
    fields = {field.name: field for field in param.fields}
    for position, table in enumerate(expr.items) if isinstance(expr, Sequence) else ((None, expr),):
        for key, item in table.items if isinstance(table, Table) else ():
            if key not in fields or fits_param(item.type, fields[key]):
                continue
            path = (key,) if position is None else (position, key)
            made = nodes[item.node] if isinstance(item, Output) else None
            hint = "" if made is None else f"`{made.name}` ({made.kind.name}) makes {made.type}"
            text = f"`{key}` in `{name}` of {node.kind.name} takes {fields[key].type}, and this is {item.type}"
            yield _mistake(node, name, text, hint, item, path)


def _output_name(node: Node, dimensions: list[Dimension]) -> Iterator[Mistake]:
    """`output` must name every dimension of the node, or instances would write one file."""
    assert node.output is not None
    named = {e.dim for e in exprs_in(node.output) if isinstance(e, Label | Position | Element)}
    missing = [dimensions[d].name for d in node.dims if d not in named]
    if missing:
        own = missing[0] == f"{node.name}.{TAKE}"
        what = "the take" if own else f"the dimension `{missing[0]}`"
        text = f"`output` must name {what}, or its instances would all write one file"
        yield _mistake(node, "output", text, f"add ${{label.{TAKE if own else missing[0]}}}")
    if isinstance(node.output, Output) or (isinstance(node.output, Join) and _depends_on_made(node.output)):
        yield _mistake(
            node, "output", "a file name must be known before anything runs", "use labels, elements and params"
        )
    text = (
        node.output.value
        if isinstance(node.output, Literal)
        else "".join(p for p in getattr(node.output, "parts", ()) if isinstance(p, str))
    )
    if node.type.name == "list" and "*" not in str(text):
        yield _mistake(node, "output", "a list needs `*` in its file name: one file an element", 'as in "frames/*"')


def _mistake(
    node: Node, key: str, message: str, caret: str, expr: Expr | None = None, sub: tuple[str | int, ...] = ()
) -> Mistake:
    place = node.spec.place_of(key)
    within = (expr.ref.start, expr.ref.end) if isinstance(expr, Output | Element) else None
    return Mistake(message, place.file, (*place.path, *sub), "value", within, caret)
