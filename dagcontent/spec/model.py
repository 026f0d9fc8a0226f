"""The typed graph file: what the text says, before any name in it is resolved. Knows no links, no types of edges.

In `params`, `when`, `of` and wherever a value may hold references, every string with a reference is a `Template`;
all other TOML values stand as they are. A table that is exactly `{ file = F }` or `{ template = F }` in a node's
parameter or in `[params]` is a `FileText`; a literal path given to a parameter that takes an artifact is an
`AssetPath`. A JSON Schema given as a file stands inline: types are checked against it.
"""

from __future__ import annotations

from typing import Any

import msgspec

from dagcontent.values.snap import Snap

__all__ = [
    "Arg",
    "AssetPath",
    "Bracket",
    "Choice",
    "DimensionSpec",
    "Export",
    "FieldStep",
    "FileText",
    "NodeSpec",
    "ParamSpec",
    "PathArg",
    "Pipeline",
    "Place",
    "Ref",
    "Template",
    "TomlPath",
]

TomlPath = tuple[str | int, ...]
"""Keys and array positions from the root of a TOML document: ("node", "clip", "prompt").

A path of two integers is a range of the file's text (syntax errors, templates in files of their own): the root of a
document is a table, so no other path begins with a number.
"""


class FieldStep(msgspec.Struct, frozen=True):
    """`.name` of a reference."""

    name: str


class PathArg(msgspec.Struct, frozen=True):
    """A dotted path in brackets: `[scene]`, `[scene-1]` (offset -1), `[shot.cast]`, `[params.x]`."""

    parts: tuple[str, ...]
    offset: int = 0


class Arg(msgspec.Struct, frozen=True):
    """One argument of brackets.

    `value` is an int (position), a str (quoted label or key), None for `*`, or a PathArg; `name` is the dimension
    of `name='label'`.
    """

    value: int | str | None | PathArg
    name: str | None = None


class Bracket(msgspec.Struct, frozen=True):
    """`[...]` of a reference: which instances, or a step into the value; the linker tells which."""

    args: tuple[Arg, ...]


class Ref(msgspec.Struct, frozen=True):
    """One `${...}`. `root` is its first identifier; `start` and `end` are offsets in the string it stands in.

    `text` is all of it as written, with `${` and `}`; one of `needs` is written, and stands here, without them.
    """

    text: str
    root: str
    steps: tuple[FieldStep | Bracket, ...]
    start: int
    end: int


class Template(msgspec.Struct, frozen=True):
    """A string with references. Exactly one Ref and nothing else keeps the value's type."""

    parts: tuple[str | Ref, ...]

    @property
    def whole(self) -> Ref | None:
        """The reference, if the string is exactly one."""
        first = self.parts[0]
        return first if len(self.parts) == 1 and isinstance(first, Ref) else None


class Place(msgspec.Struct, frozen=True):
    """Where something stands: a source file by index in `Pipeline.files`, and a path in it."""

    file: int
    path: TomlPath


class FileText(msgspec.Struct, frozen=True):
    """`{ file = F }` (data) or `{ template = F }` (expanded once; `template` holds its parse, or its plain text).

    `path` is absolute: it was joined to the folder of the file it stands in. `file` is the index of a template's own
    text in `Pipeline.files`: a mistake at one of its references has the path (ref.start, ref.end) in it.
    """

    path: str
    template: Template | str | None = None
    file: int | None = None


class AssetPath(msgspec.Struct, frozen=True):
    """A file beside the graph, given where an artifact is taken. `path` is absolute; `type` as in `values.types`."""

    path: str
    type: str


class ParamSpec(msgspec.Struct, frozen=True):
    """One of `[params]`. `kind` is value, file, asset, assets or required; given: by the node that the graph stands for.

    `value` of a file is a `FileText`, of an asset an `AssetPath`, of assets a list of them; of a required parameter
    None (only beside a mistake: a `-p` makes it one of the others).
    """

    name: str
    kind: str
    value: Any = None
    type: str | None = None
    choices: tuple[str, ...] = ()
    help: str = ""
    place: Place | None = None  # None: from the command line


class DimensionSpec(msgspec.Struct, frozen=True):
    """One of `[each]`. `of` is a list, or a Template that is one reference."""

    name: str
    of: Any
    id: str | None
    max: int | None
    over: str  # "stop" or "cut"
    place: Place


class OnBlock(msgspec.Struct, frozen=True):
    """What follows when a model refuses the content: `reroll` further samples of that model; `then` "fail", "skip" or
    "fallback".
    """

    reroll: int = 0
    then: str = "fallback"


class NodeSpec(msgspec.Struct, frozen=True):
    """One `[node.NAME]` after `[defaults]` were laid beneath it.

    `params` are the parameters of its kind only. `model` is None, a str (aliases resolved) or a Template. `takes` is
    None without any: one take is a list of one. `fallbacks` are the same node for each further model of its list, in order.
    `origin` says where a key of it stands when that is not under the node itself (defaults). `broken` are keys that were given
    and could not be read: each is a mistake already.
    """

    name: str
    kind: str
    place: Place
    params: dict[str, Any]
    model: Any = None
    options: dict[str, Any] = {}
    each: tuple[str, ...] = ()
    takes: int | None = None
    needs: tuple[Ref, ...] = ()
    when: Any = None  # bool | Template | {"value": ..., "is" | "is_not" | "in": ...}
    optional: tuple[str, ...] = ()
    output: Any = None  # str | Template
    timeout_s: float | None = None
    retries: int = 2
    on_error: str = "fail"
    snap: Snap | None = None
    seed: Any = None  # int | Template
    cache: bool | str = True  # True or "run"
    tags: dict[str, str] = {}
    origin: dict[str, Place] = {}
    broken: tuple[str, ...] = ()
    on_block: OnBlock | None = None
    max_cost_microusd: int | None = None
    fallbacks: tuple[NodeSpec, ...] = ()

    def place_of(self, key: str) -> Place:
        """Return where a key of it stands."""
        return self.origin.get(key) or Place(self.place.file, (*self.place.path, key))


class Choice(msgspec.Struct, frozen=True):
    """One entry of the choices file: what was decided about `instance`, an instance of `node`.

    `about` is the digest of what it was about, None where nobody says; `reroll` the number of the sample, `pin` the key of
    the result that stays, `pick` the digest of the candidate that a selection gives. `replaced` is the digest of the file that a
    person put in the place of the result `instead_of` (a key), None where none was known. `approved` and `rejected` are those
    of what a gate showed when a person said so, `note` what was said of it.
    """

    instance: str
    node: str
    place: Place
    about: str | None = None
    reroll: int = 0
    pin: str | None = None
    pick: str | None = None
    replaced: str | None = None
    instead_of: str | None = None
    approved: str | None = None
    rejected: str | None = None
    note: str = ""

    @property
    def stays(self) -> bool:
        """Whether it says what the result is, whatever the inputs are."""
        return self.pin is not None or self.replaced is not None


class Export(msgspec.Struct, frozen=True):
    """One of `[exports]`: a value that the graph gives where it stands for a node."""

    name: str
    value: Any
    place: Place


class Pipeline(msgspec.Struct, frozen=True):
    """One graph file with its includes. `files` are absolute paths, the graph itself first, templates last.

    `models` are the aliases, each resolved to `provider/name`; `model_lists` the names of those that are lists. `budget_microusd` is the ceiling the graph sets itself,
    None without one. `profile` is the one that was chosen, `profiles` are those that are written. `choices` are those of the
    choices file beside it; `drafts` says that the profile is a draft: nobody is asked. `broken` are names of nodes and dimensions that stand in
    the file and could not be read: each is a mistake already, a reference to it is none. `graphs` are those that nodes of kind graph
    stand for, by the node's name; `composed` says of files that were read for one of them which node did that.
    """

    name: str
    description: str
    files: tuple[str, ...]
    folder: str  # absolute: of the graph file
    output_dir: str  # absolute
    params: dict[str, ParamSpec]
    dimensions: dict[str, DimensionSpec]
    nodes: dict[str, NodeSpec]
    models: dict[str, str] = {}
    broken: tuple[str, ...] = ()
    budget_microusd: int | None = None
    profile: str | None = None
    profiles: tuple[str, ...] = ()
    choices: tuple[Choice, ...] = ()
    drafts: bool = False
    model_lists: frozenset[str] = frozenset()
    exports: dict[str, Export] = {}
    graphs: dict[str, Pipeline] = {}
    composed: dict[int, Place] = {}
