"""The resolver's working memory: one `Unit` a node instance, and the lists of dimensions. Knows no store."""

from __future__ import annotations

from enum import Enum
from typing import Any, Final

from dagcontent.errors import InternalError
from dagcontent.values.instances import PLAIN, instance_name
from dagcontent.values.record import Manifest, Record
from dagcontent.values.value import UNKNOWN, ActionKey, Blob, Value

__all__ = ["Closed", "DimensionList", "Group", "ListJob", "State", "Status", "Unit", "instance_name"]


class State(Enum):
    """How far a unit is. Every transition goes through `Unit.enter`, which knows the legal ones."""

    __hash__ = object.__hash__  # Enum hashes names, in Python: felt where every unit asks several times

    NEW = "new"  # expanded; nobody has asked for it
    WAITING = "waiting"  # asked for; some input is not settled
    READY = "ready"  # handed out as an action
    SETTLED = "settled"


_LEGAL: Final = {
    (State.NEW, State.WAITING),
    (State.WAITING, State.READY),
    (State.WAITING, State.SETTLED),
    (State.READY, State.SETTLED),
    (State.SETTLED, State.READY),
    (State.READY, State.WAITING),
    (State.NEW, State.SETTLED),
}


class Status(Enum):
    """What a settled unit turned out to be."""

    __hash__ = object.__hash__  # as above

    VALUE = "value"  # evaluated by the planner
    HIT = "hit"  # a record was found
    PINNED = "pinned"  # a person said that its result stays
    RAN = "ran"  # made by this build
    RUN = "run"  # would be made
    MAYBE = "maybe"  # depends on content that is still to be made
    WAITING = "waiting"  # a person is to choose
    SKIPPED = "skipped"
    FAILED = "failed"
    BLOCKED = "blocked"


# Why what is not known of a unit is not known: bits of `Unit.open`. Plain numbers: an IntFlag is made anew by each operation,
# which is felt where every unit asks.
_HELD: Final = 1  # it waits for a person, or something above it does
_DUE: Final = (
    2  # in a plan: something above it is still to be made; whoever it waits for may not be asked, or have answered
)


class Unit:
    """One instance of a node (`coords`: a position in each of its dimensions, None where a list is not known).

    `pending` counts inputs that are not settled. `value` is what dependants see.
    """

    __slots__ = (
        "again", "at", "coords", "dependents", "error", "key", "manifest", "node", "notes", "open", "params", "passed",
        "pending", "phase", "record", "reroll", "state", "status", "status_by", "upstream", "value",
    )  # fmt: skip

    def __init__(self, node: int, coords: tuple[int | None, ...]) -> None:
        self.node = node
        self.coords = coords
        self.state = State.NEW
        self.status: Status | None = None
        self.value: Value = UNKNOWN
        self.pending = 0
        self.phase = 0
        self.dependents: list[Unit] | None = None
        self.manifest: Manifest | None = None
        self.key: ActionKey | None = None
        self.record: Record | None = None
        self.params: dict[str, Any] | None = None
        self.notes: tuple[str, ...] = ()  # what was changed in `params` to fit a paid model
        self.error: Any = None
        self.status_by: Unit | None = None  # the unit that failed or was skipped above
        self.upstream = False  # some unit above it was run in this build
        self.at = 0  # the position of the model in its node's list
        self.reroll = 0  # how many samples further than it would be
        self.again = False  # all its models were refused before, and are asked again
        self.passed: tuple[Any, ...] = ()  # the `Passed` before the one that is asked or served
        self.open: int = 0  # bits: held, due

    @property
    def held(self) -> bool:
        """Whether it waits for a person, or is not known because one above it does."""
        return self.open & _HELD != 0

    @property
    def stopped(self) -> bool:
        """Whether it is held for certain: nothing is still to be made by which that may turn out otherwise."""
        return self.open & (_HELD | _DUE) == _HELD

    def hold(self) -> None:
        """Note that it waits for a person."""
        self.open |= _HELD

    def settle(self, status: Status) -> None:
        """Become what it turned out to be; what is known is open no more."""
        self.status = status
        if status is Status.WAITING:
            self.hold()
        elif status is Status.RUN:
            self.open |= _DUE
        elif self.open and status is not Status.MAYBE:
            self.open = 0

    def enter(self, state: State) -> None:
        """Change state. Raises InternalError for a way that is not in the table."""
        if (self.state, state) not in _LEGAL:
            text = f"a unit went from {self.state.value} to {state.value}"
            raise InternalError(text)
        self.state = state

    @property
    def settled(self) -> bool:
        """Whether dependants may go on."""
        return self.state is State.SETTLED


class Group(Unit):
    """Settles when all units of its node have: thousands may then wait for thousands at the cost of both."""

    __slots__ = ()


class ListJob(Unit):
    """The list of dimension `dim` at one place of its outer dimensions (`coords`), to be evaluated."""

    __slots__ = ("dim",)

    def __init__(self, dim: int, coords: tuple[int, ...]) -> None:
        super().__init__(-1, coords)
        self.dim = dim


class DimensionList:
    """The elements of a dimension at one place of its outer dimensions, with their labels. `open`: why some are not known."""

    __slots__ = ("elements", "labels", "open", "positions")

    def __init__(self, elements: list[Value], id_field: str | None) -> None:
        self.open: int = 0
        self.elements = elements
        self.labels: list[str] = []
        self.positions: dict[str, int] = {}
        for position, element in enumerate(elements):
            label = _label(element, id_field, position)
            if label in self.positions:
                n = 2
                while f"{label}~{n}" in self.positions:
                    n += 1
                label = f"{label}~{n}"
            self.positions[label] = position
            self.labels.append(label)

    @property
    def repeats(self) -> list[str]:
        """Labels that were given out with `~2` and up."""
        return [label for label in self.labels if "~" in label]

    def warning(self, name: str) -> str:
        """Word that labels of the dimension `name` repeat."""
        shown = ", ".join(self.repeats[:5])
        return f"labels of `{name}` are given twice: {shown}; give the elements an `id`"


class Closed:
    """A dimension whose list will not come: unknown in a plan, or its maker failed or was skipped, or it waits for a
    person (`open`).
    """

    __slots__ = ("by", "open", "status")

    def __init__(self, status: Status, by: Unit | None) -> None:
        self.open: int = 0
        self.status = status
        self.by = by


_LONGEST_LABEL = 40


def _label(element: Value, id_field: str | None, position: int) -> str:
    if isinstance(element, dict):
        element = element.get(id_field or "id")
    if isinstance(element, str) and 0 < len(element) <= _LONGEST_LABEL and PLAIN.issuperset(element):
        return element
    if isinstance(element, int | float) and not isinstance(element, bool):
        return str(element)
    if isinstance(element, Blob) and element.name:
        return element.name.rsplit(".", 1)[0]
    return str(position)
