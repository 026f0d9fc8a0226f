"""Selections by a judge or a metric into the nodes that they ask: `best` has `best.judge`. Knows no instances and no prices.

Such a node is one like any other: it goes over what its selection goes over, it has keys, prices, samples and records. Nobody
asks for it but its selection, and that only where the candidates alone do not decide. Its name has a dot, so no reference
leads to it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import msgspec

from dagcontent.graph.model import AllOf, Asking, Expr, Join, Literal, Node, Output, Pick, SameAs
from dagcontent.graph.model import Sequence as Items
from dagcontent.graph.typing import innermost, united
from dagcontent.kinds.control import MEASURE
from dagcontent.kinds.registry import KINDS, kind_of
from dagcontent.spec.aliases import makers, stand_in
from dagcontent.spec.model import NodeSpec, Pipeline, Ref, Template
from dagcontent.values.mistake import Mistake
from dagcontent.values.types import ANY, JSON, NUMBER, TEXT, Type, list_of

__all__ = ["JUDGE", "METRIC", "check_selections", "with_asked", "with_verdicts"]

JUDGE: Final = "judge"
METRIC: Final = "metric"

_SEEN: Final = {"image": "images", "audio": "audio", "video": "video"}
"""Type of an artifact -> the parameter of a language model that takes it."""
_AROUND: Final = 1_500
"""Characters that a question has beside rubric and candidates, at most: so that it is priced before it can be put."""
_MEASURED: Final = {"sharpness": ("image", "video"), "similarity": ("image", "video"), "loudness": ("audio", "video")}
_OF: Final = {  # who chooses -> what it goes by
    "first": {"top"},
    "human": set[str](),
    JUDGE: {"top", "rubric", "references", "judges", "max_tokens", "model"},
    METRIC: {"top", "metric", "references", "scores"},
}
_ASKED: Final = ("model", "rubric", "judges", "max_tokens", "references", "metric", "scores", "top")


def with_asked(*pipelines: Pipeline) -> Pipeline:
    """Return the first pipeline with a node more for each selection that asks one, after all others; the next ones are those that
    it stands in, from the innermost out.
    """
    pipeline = pipelines[0]
    asked: dict[str, NodeSpec] = {}
    changed: dict[str, NodeSpec] = {}
    for spec in pipeline.nodes.values():
        if not KINDS[spec.kind].chooses:
            continue
        by = _known(spec.params.get("by"), pipelines)
        if by == JUDGE:
            asked[f"{spec.name}.{JUDGE}"] = _judge(spec, pipelines)
        elif by == METRIC and "scores" not in spec.params:
            asked[f"{spec.name}.{METRIC}"] = _measure(spec)
        changed[spec.name] = msgspec.structs.replace(spec, model=None, options={}, seed=None, fallbacks=())
    return msgspec.structs.replace(pipeline, nodes={**pipeline.nodes, **changed, **asked}) if changed else pipeline


def _judge(spec: NodeSpec, pipelines: Sequence[Pipeline]) -> NodeSpec:
    judges = _known(spec.params.get("judges"), pipelines)
    stands_in = spec.model is None and pipelines[0].drafts
    asks = KINDS[spec.kind].questions
    takes = judges if isinstance(judges, int) and judges > 1 else None
    keys = ("from", "references", "rubric", "max_tokens")

    def judge(one: NodeSpec, model: Any, others: tuple[NodeSpec, ...]) -> NodeSpec:
        return msgspec.structs.replace(_asked(one, JUDGE, asks, keys), model=model, takes=takes, fallbacks=others)

    others = tuple(judge(one, one.model, ()) for one in spec.fallbacks)
    return judge(spec, stand_in(KINDS[asks]) if stands_in else spec.model, others)


def _measure(spec: NodeSpec) -> NodeSpec:
    made = _asked(spec, METRIC, MEASURE.name, ("from", "references", "metric"))
    return msgspec.structs.replace(made, model=None, options={}, seed=None, fallbacks=())


def _asked(spec: NodeSpec, what: str, kind: str, keys: tuple[str, ...]) -> NodeSpec:
    """Return a node that goes over what its selection goes over, and stands where that one stands."""
    from_, rubric = spec.place_of("from"), spec.place_of("rubric")
    places = {**dict.fromkeys((*_SEEN.values(), "media"), from_), "prompt": rubric, "schema": rubric}
    params = {name: spec.params[name] for name in keys if name in spec.params}
    return msgspec.structs.replace(
        spec, name=f"{spec.name}.{what}", kind=kind, params=params, needs=(), when=None, output=None,
        origin={**spec.origin, **places, "takes": spec.place_of("judges")},
    )  # fmt: skip


def _known(value: Any, pipelines: Sequence[Pipeline]) -> Any:
    """Return a value as far as the files say it: a reference to a parameter stands for that one's, also for what it is given."""
    ref = value.whole if isinstance(value, Template) else None
    if ref is None or ref.root != "params" or len(ref.steps) != 1:
        return None if isinstance(value, Template) else value
    found = pipelines[0].params.get(getattr(ref.steps[0], "name", ""))
    if found is not None and found.kind == "given":
        return _known(found.value, pipelines[1:])
    return None if found is None or isinstance(found.value, Template) else found.value


# -- linked ---------------------------------------------------------------------------------------------------------


def with_verdicts(nodes: list[Node]) -> list[Node]:
    """Return nodes of which selections know whom they ask, and those that are asked have the parameters of their kind."""
    by_name = {node.name: node for node in nodes}
    made = list(nodes)
    for node in nodes:
        of, dot, what = node.name.partition(".")
        if not dot:
            continue
        selection = by_name[of]
        params = dict(node.params)
        asking = Asking(
            of,
            what,
            params.get("from", Literal([], list_of(ANY))),
            params.get("references"),
            params.get("rubric"),
            params.get("metric"),
        )
        element = innermost(selection.type)
        question = {
            "params": _measuring(asking) if what == METRIC else (*_judging(asking, element), *_bound(params)),
            "type": list_of(NUMBER) if what == METRIC else JSON,
            "asking": asking,
        }
        fallbacks = tuple(msgspec.structs.replace(one, **question) for one in node.fallbacks)
        made[node.index] = msgspec.structs.replace(node, **question, fallbacks=fallbacks)
        picks: tuple[Pick, ...] = tuple(SameAs(dim) if dim in selection.dims else AllOf() for dim in node.dims)
        verdict = Output(node.index, picks, (), ANY, Ref(node.name, node.name, (), 0, 0))
        made[selection.index] = msgspec.structs.replace(selection, verdict=verdict)
    return made


def _judging(asking: Asking, element: Type) -> tuple[tuple[str, Expr], ...]:
    """Return what is known of a judge's request before anything runs: its media, its words, that it answers in a form."""
    seen: dict[str, list[Expr]] = {}
    if asking.references is not None:
        seen.setdefault(_SEEN.get(innermost(asking.references.type).name, ""), []).append(asking.references)
    own = _SEEN.get(element.name, "")
    seen.setdefault(own, []).append(asking.candidates)
    words = [part for part in (asking.rubric, None if own else asking.candidates) if part is not None]
    return (
        ("prompt", Join((*words, " " * _AROUND), TEXT)),
        *((name, Items(tuple(items), _listed(items))) for name, items in seen.items() if name),
        ("schema", Literal({"type": "object"}, JSON)),
    )


def _bound(params: Mapping[str, Expr]) -> tuple[tuple[str, Expr], ...]:
    return (("max_tokens", params["max_tokens"]),) if "max_tokens" in params else ()


def _measuring(asking: Asking) -> tuple[tuple[str, Expr], ...]:
    found = {"media": asking.candidates, "metric": asking.metric, "references": asking.references}
    return tuple((name, expr) for name, expr in found.items() if expr is not None)


def _listed(items: list[Expr]) -> Type:
    return list_of(united([innermost(item.type) for item in items]))


# -- mistakes -------------------------------------------------------------------------------------------------------


def check_selections(pipelines: Sequence[Pipeline], types: Mapping[str, Type]) -> Iterator[Mistake]:
    """Yield what is wrong with selections: what is missing for those who choose, and what they do not go by. `pipelines` are as
    they are written, the one of the selections first; `types` are those of its nodes.
    """
    for spec in pipelines[0].nodes.values():  # not as it is linked: its model is that of whom it asks
        if kind_of(spec.kind).chooses:
            by = _known(spec.params.get("by"), pipelines)
            if isinstance(by, str) and by in _OF:
                yield from _given(spec, by)
                yield from _missing(spec, by, drafts=pipelines[0].drafts)
                yield from _unfit(spec, by, innermost(types[spec.name]), pipelines)


def _given(spec: NodeSpec, by: str) -> Iterator[Mistake]:
    """What stands there for nothing. Defaults of all kinds are for whom they fit; and where a parameter or a profile says who
    chooses, there may be what others would go by.
    """
    switched = isinstance(spec.params.get("by"), Template) or "by" in spec.origin
    for key in _ASKED:
        there = spec.model is not None if key == "model" else key in spec.params
        place = spec.place_of(key)
        if not there or key in _OF[by] or "defaults" in place.path or (switched and key != "top"):
            continue
        users = " or ".join(f'by = "{who}"' for who, keys in _OF.items() if key in keys)
        if key == "top":
            message, caret = "`top` gives several, and a person picks one", "leave it out"
        else:
            message, caret = f'`{key}` is for {users}, and this is by = "{by}"', "leave it out"
        yield Mistake(message, place.file, place.path, "key", None, caret)


def _missing(spec: NodeSpec, by: str, *, drafts: bool) -> Iterator[Mistake]:
    there = {*spec.params, *spec.broken, *(("model",) if spec.model is not None or drafts else ())}

    def lacks(key: str, why: str, caret: str) -> Mistake:
        message = f"node `{spec.name}` has no `{key}`, which {why} needs"
        return Mistake(message, spec.place.file, spec.place.path, "header", None, caret)

    if by == JUDGE:
        if "rubric" not in there:
            yield lacks("rubric", 'by = "judge"', 'say what is good: rubric = "sharp, no text in it"')
        if "model" not in there:
            yield lacks(
                "model", 'by = "judge"', makers(KINDS[KINDS[spec.kind].questions], 'model = "{}"') + ", or a vendor's"
            )
    if by == METRIC:
        if not there & {"metric", "scores"}:
            yield lacks("metric", 'by = "metric"', 'write metric = "sharpness", or `scores` from other nodes')
        if (
            spec.params.get("metric") == "similarity"
            and "references" not in spec.params
            and "scores" not in spec.params
        ):
            yield lacks("references", "the metric `similarity`", "say what the candidates are to be like")


def _unfit(spec: NodeSpec, by: str, element: Type, pipelines: Sequence[Pipeline]) -> Iterator[Mistake]:
    """What does not go together: two sources of scores, a metric of another medium, a judge of what cannot be shown to it."""
    metric = _known(spec.params.get("metric"), pipelines)
    if by == METRIC and "scores" in spec.params:
        for key in ("metric", "references"):
            if key in spec.params:
                place = spec.place_of(key)
                yield Mistake(
                    f"`scores` are there already: `{key}` has nothing to do", place.file, place.path, "key", None,
                    "leave one of them out",
                )  # fmt: skip
    elif by == METRIC and metric in _MEASURED:
        place = spec.place_of("metric")
        wanted = _MEASURED[metric]
        if element.name not in {*wanted, "any"}:
            message = f"`{metric}` is measured of {' and '.join(wanted)}, and the candidates are {element}"
            yield Mistake(message, place.file, place.path, "value", None, _fitting(element))
        if metric != "similarity" and "references" in spec.params:
            place = spec.place_of("references")
            message = f"`{metric}` compares with nothing: only `similarity` looks at `references`"
            yield Mistake(message, place.file, place.path, "key", None, "leave it out")
    elif by == JUDGE and element.artifact and element.name not in _SEEN:
        place = spec.place_of("from")
        message = f"a judge looks at pictures, recordings, clips and text, and the candidates are {element}"
        yield Mistake(message, place.file, place.path, "value")


def _fitting(element: Type) -> str:
    names = [name for name, types in _MEASURED.items() if element.name in types]
    return f"of {element} there is: {', '.join(names)}" if names else 'a judge reads text: by = "judge"'
