"""What a kind says of itself: the one source of its checks, its schema, its documentation and its keys.

Knows no graph, no file and no implementation: `value` kinds are pure functions and stand beside their
declaration; local ones are found in `media/` through a registry that `api` wires.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from enum import Enum
from typing import Any, Final

import msgspec

from dagcontent.values.types import Field, Type, list_of, record_of

__all__ = ["WORKED_OUT", "Effect", "Kind", "Param", "tables_of"]


class Effect(Enum):
    """What happens when an action of a kind is run."""

    VALUE = "value"  # a total, bounded function of values: evaluated by the planner, no record
    FILES = "files"  # like VALUE, of files beside the graph: evaluated through the planner's file port
    LOCAL = "local"  # runs on this machine, free
    PAID = "paid"  # costs money at a vendor
    PERSON = "person"  # waits for somebody; then it is what that person looked at


WORKED_OUT: Final = frozenset({Effect.VALUE, Effect.FILES, Effect.PERSON})
"""Effects of kinds that give the same every time: the planner evaluates them, and nothing is recorded."""


class Param(msgspec.Struct, frozen=True):
    """One parameter.

    `default` is the key default: written out or left out, the key is the same; it never changes within a version.
    `also` are further types accepted (a video where audio is asked). `choices` limit a text; `minimum` and
    `maximum` are inclusive bounds. `unit` is shown in help ("s", "px", "dB"). `fields` are what the tables of a list of tables
    may hold (`tables_of` gives its type); of `one_of` each has at least one. A field at its default is left out of the key.
    """

    name: str
    type: Type
    help: str
    required: bool = False
    default: Any = None
    also: tuple[Type, ...] = ()
    choices: tuple[str, ...] = ()
    minimum: float | None = None
    maximum: float | None = None
    unit: str = ""
    keyed: bool = True
    fields: tuple[Param, ...] = ()
    one_of: tuple[str, ...] = ()


class Kind(msgspec.Struct, frozen=True):
    """One kind of node.

    `output` is the type when it depends on nothing; `output_of` gives it from the parameters, as written or as resolved,
    and `gives` says in words what it goes by.
    `stand_ins` are the free local models ("card" is `local/card`); without any, only vendors make the kind. `priced_by` is
    the usual unit of its prices, for kinds made by models.
    `facts` can be asked of the output. `carries` says that carried facts of artifacts (alignment, chapters) travel
    through it, so they are in its key; `carries_here` that they do when it is made by a stand-in. `one_of` are groups of parameters of which at least one must be given.
    `evaluate` is the function of a VALUE kind; FILES kinds get the planner's files as a second argument.
    `lazy` names the parameter whose elements are alternatives: the next is asked for only if the one before failed,
    was skipped or is left out, and the first that succeeds is the value.
    `like` names the parameter whose type, as far as the graph says it, `output_like` turns into the output's.
    `chooses` names the parameter of which the value is one element: the output's type is that element's, and a person may say
    which. `passes` names the parameter that is the value as it is, and so has its type. `questions` names the kind of the requests
    that are made where such a node is given a `model`.
    `common` are the common keys that it takes, None for all of them: others are said in the nodes that it stands for.
    """

    name: str
    help: str
    params: tuple[Param, ...]
    output: Type
    effect: Effect
    version: int = 1
    accepts: tuple[int, ...] = ()
    facts: tuple[str, ...] = ()
    carries: bool = False
    carries_here: bool = False
    by_model: bool = False
    stand_ins: tuple[str, ...] = ()
    priced_by: str = ""
    one_of: tuple[tuple[str, ...], ...] = ()
    output_of: Callable[[Mapping[str, Any]], Type] | None = None
    gives: str = ""
    evaluate: Callable[..., Any] | None = None
    lazy: str = ""
    chooses: str = ""
    passes: str = ""
    like: str = ""
    output_like: Callable[[Type, Mapping[str, Any]], Type] | None = None
    questions: str = ""
    common: tuple[str, ...] | None = None

    def takes_key(self, key: str) -> bool:
        """Tell whether a node of this kind takes a common key."""
        return self.common is None or key in self.common

    @property
    def source(self) -> str:
        """The parameter that its value comes from; empty for a kind that makes its own."""
        return self.chooses or self.like or self.lazy or self.passes

    @property
    def asks(self) -> bool:
        """Whether a person may have a say in what it gives."""
        return bool(self.chooses) or self.effect is Effect.PERSON

    def param(self, name: str) -> Param | None:
        """Return the parameter of that name."""
        for param in self.params:
            if param.name == name:
                return param
        return None

    def output_type(self, params: Mapping[str, Any]) -> Type:
        """Return the output's type for parameters as they stand in the graph (references unresolved)."""
        return self.output if self.output_of is None else self.output_of(params)


def tables_of(fields: Sequence[Param]) -> Type:
    """Return the type of a list of tables with these fields."""
    return list_of(
        record_of(*(Field(p.name, Type(p.type.name, p.type.item, (), p.choices), not p.required) for p in fields))
    )
