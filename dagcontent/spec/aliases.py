"""Turn `[models]` and the `model` of a node into `provider/name`. Knows no price and no capability.

Whether a vendor has such a model, and whether it makes this kind, is not known here: a name is only well formed.
"""

from __future__ import annotations

import re
from typing import Any, Final

from dagcontent.kinds.declaration import Kind
from dagcontent.spec.fallbacks import Alternative, apart, read_entry
from dagcontent.spec.findings import Findings
from dagcontent.spec.literal import Literals, Spot
from dagcontent.spec.model import Place, Template, TomlPath
from dagcontent.spec.profiles import Profiles
from dagcontent.spec.tables import Entry, Tables
from dagcontent.spec.words import a_value, listed

__all__ = ["PROVIDERS", "Aliases", "is_provider", "is_well_formed", "makers", "stand_in"]

PROVIDERS: Final = ("local", "fal", "elevenlabs", "google", "openai", "openrouter")
"""Those that are ours; another package may bring more."""
_MAX_CHAIN: Final = 32
_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")
_MODEL_ID: Final = re.compile(r"(?!\.\.?(?:/|$))[A-Za-z0-9._:@+~-]+(?:/(?!\.\.?(?:/|$))[A-Za-z0-9._:@+~-]+)*")
_MAX_MODEL_ID: Final = 200


def is_provider(name: str) -> bool:
    """Tell whether there is a provider of this name, ours or another package's."""
    if name in PROVIDERS:
        return True
    from dagcontent.catalog.third import is_installed  # noqa: PLC0415 - only an unknown name is looked for

    return is_installed(name)


def is_well_formed(model: str) -> bool:
    """Tell whether text is `provider/name` of a provider there is.

    The name becomes part of an address: it has no empty segment, no `.` and no `..`. What is there on this machine
    depends on the kind, so nothing is asked of the name of a local model.
    """
    provider, _, name = model.partition("/")
    if provider == "local":
        return True
    return len(name) <= _MAX_MODEL_ID and _MODEL_ID.fullmatch(name) is not None and is_provider(provider)


def makers(kind: Kind, form: str = "{}") -> str:
    """Return what to write for the model of a kind, for hints; `form` is laid around each name."""
    if kind.stand_ins:
        return "write " + " or ".join(form.format(f"local/{name}") for name in kind.stand_ins)
    return f"write {form.format('provider/name')}: dagcontent models lists who makes {kind.name}"


def stand_in(kind: Kind) -> str:
    """Return the free local model that takes the place of a vendor's."""
    return f"local/{kind.stand_ins[0]}"


class Aliases:
    """The aliases of a graph. Each mistake of theirs is noted once, at its line, however many nodes use it."""

    def __init__(self, tables: Tables, literals: Literals, findings: Findings, profiles: Profiles) -> None:
        self._literals = literals
        self._findings = findings
        self._profiles = profiles
        self._entries = dict(tables.named("models", first_wins=True))
        for layer in profiles.layers:
            self._entries.update(layer.entries("models"))
        self.replaced: set[TomlPath] = set()
        self.resolved: dict[str, str] = {}
        self.lists: dict[str, tuple[Alternative, ...] | None] = {}
        for name, entry in self._entries.items():
            model = self._resolve(name, entry)
            if model is not None:
                self.resolved[name] = model

    def of_node(self, written: Any, kind: Kind, spot: Spot) -> str | Template | tuple[Alternative, ...] | None:
        """Return the model of a node, or the list of its models; None where it cannot be said, which is noted.

        In a draft it is the stand-in of one that costs money; `replaced` then has its path.
        """
        model = self._written(written, kind, spot)
        if model is None or not self._gives_way(written, model, kind, spot):
            return model
        self.replaced.add(spot.path)
        return stand_in(kind)

    def _gives_way(self, written: Any, model: str | Template | tuple[Alternative, ...], kind: Kind, spot: Spot) -> bool:
        """Tell whether the draft takes the place of a model: not where a layer above it says the model, or an alias."""
        if not self._profiles.drafts or not kind.stand_ins or self._profiles.keeps(spot.path):
            return False
        if isinstance(model, Template):
            return True  # what it will be is not known here, and a draft costs nothing whatever it is
        chain = [written]
        while isinstance(chain[-1], str) and (entry := self._entries.get(chain[-1])) and entry.value not in chain:
            if self._profiles.keeps(entry.path):
                return False
            chain.append(entry.value)
        if isinstance(model, tuple):
            return not all(isinstance(one.model, str) and one.model.startswith("local/") for one in model)
        return not model.startswith("local/")

    def _written(self, written: Any, kind: Kind, spot: Spot) -> str | Template | tuple[Alternative, ...] | None:
        if isinstance(written, list):
            return self._fit(self._listed(written, spot, ()), kind)
        if not isinstance(written, str):
            self._not_text(written, spot)
            return None
        model = self._literals.string(written, spot)
        if isinstance(model, Template):
            return model
        if "/" not in model:
            if model not in self._entries:
                self._unknown(model, kind, spot)
                return None
            if model in self.lists:
                return self._fit(self.lists[model], kind)
            if model not in self.resolved:
                return None
            model = self.resolved[model]
        elif not self._usable(model, spot):
            return None
        return self._stands_in(model, kind, spot) if model.startswith("local/") else model

    def _fit(
        self, found: tuple[Alternative, ...] | None, kind: Kind
    ) -> str | Template | tuple[Alternative, ...] | None:
        """Return a list of models if those of this machine make the kind; of one model alone, the model."""
        if found is None:
            return None
        for number, one in enumerate(found):
            if isinstance(one.model, str) and one.model.startswith("local/"):
                if self._stands_in(one.model, kind, one.spot) is None:
                    return None
                if number + 1 < len(found):
                    what = f"`{one.model}` refuses nothing: what stands behind it is never asked"
                    self._literals.wrong(found[number + 1].spot, what, "put the model of this machine last")
                    return None
        return found[0].model if len(found) == 1 and not found[0].keys else found

    def _listed(self, written: list[Any], spot: Spot, chain: tuple[str, ...]) -> tuple[Alternative, ...] | None:
        """Return the entries of a list, those of lists that it names among them; None where one is wrong, which is noted."""
        found: list[Alternative] = []
        good = True
        for number, value in enumerate(written):
            entry = read_entry(value, spot.step(number), self._literals)
            if entry is None:
                good = False
                continue
            name, place, keys = entry
            model = self._literals.string(name, place)
            if isinstance(model, str) and "/" not in model:
                more = self._named(model, place, chain)
                good = good and more is not None
                found += [one.within(keys) for one in more or ()]
            elif isinstance(model, Template) or self._usable(model, place):
                found.append(Alternative(model, place, keys))
            else:
                good = False
        if not written:
            self._literals.wrong(spot, "an empty list names no model", 'write "provider/name"')
        return tuple(found) if good and found and apart(found, self._literals) else None

    def _named(self, name: str, spot: Spot, chain: tuple[str, ...]) -> tuple[Alternative, ...] | None:
        """Return the entries that an alias within a list stands for. `chain` are the aliases in which it stands: none in a node,
        which is read when all aliases are, and all that is wrong with them was noted.
        """
        if name not in self._entries:
            self._unknown(name, None, spot)
            return None
        if not chain:
            model = self.resolved.get(name)
            return self.lists.get(name) if model is None else (Alternative(model, spot),)
        if name in chain:
            path = " -> ".join([*chain[chain.index(name) :], name])
            self._literals.wrong(spot, f"these aliases name each other: {path}", "name a model")
            return None
        entry = self._entries[name]
        if isinstance(entry.value, list):
            place = Spot(entry.document.file, entry.document.folder, entry.path)
            return self._listed(entry.value, place, (*chain, name))
        if isinstance(entry.value, str) and "/" not in entry.value and entry.value in self._entries:
            return self._named(entry.value, spot, (*chain, name))
        model = self._resolve(name, entry)
        return None if model is None else (Alternative(model, spot),)

    def _stands_in(self, model: str, kind: Kind, spot: Spot) -> str | None:
        name = model.partition("/")[2]
        if name in kind.stand_ins:
            return model
        hint = self._findings.suggestion(name, kind.stand_ins)
        self._literals.wrong(spot, f"`{model}` does not make {kind.name}", hint or makers(kind))
        return None

    def _usable(self, model: str, spot: Spot) -> bool:
        if is_well_formed(model):
            return True
        provider = model.partition("/")[0]
        if not is_provider(provider):
            hint = self._findings.suggestion(provider, PROVIDERS)
            self._literals.wrong(spot, f"`{provider}` is no provider", hint or f"providers: {listed(PROVIDERS)}")
        else:
            hint = f"dagcontent models {provider} lists them"
            self._literals.wrong(spot, f"`{model}` names no model of {provider}", hint)
        return False

    def _resolve(self, name: str, entry: Entry) -> str | None:
        spot = Spot(entry.document.file, entry.document.folder, entry.path)
        if not _NAME.fullmatch(name):
            self._findings.at_key(Place(spot.file, spot.path), f"`{name}` is no name for a model")
        chain = [name]
        written = entry.value
        while isinstance(written, str) and "/" not in written and written in self._entries:
            if written in chain:
                if name == min(chain[chain.index(written) :]):
                    path = " -> ".join([*chain, written])
                    self._literals.wrong(spot, f"these aliases name each other: {path}", "name a model")
                return None
            if len(chain) >= _MAX_CHAIN:
                self._literals.wrong(spot, f"more than {_MAX_CHAIN} aliases lead to this model", "name the model")
                return None
            chain.append(written)
            written = self._entries[written].value
        if isinstance(written, list):
            self.lists[name] = self.lists[chain[-1]] if chain[-1] in self.lists else self._list_of(chain[-1])
            return None
        if len(chain) > 1 and (not isinstance(written, str) or "/" not in written):
            return None  # noted at the alias it leads to
        if not isinstance(written, str):
            self._not_text(written, spot)
            return None
        if "/" not in written:
            self._unknown(written, None, spot)
            return None
        if len(chain) == 1:
            return written if self._usable(written, spot) else None
        return written if is_well_formed(written) else None  # noted at the alias it leads to

    def _list_of(self, name: str) -> tuple[Alternative, ...] | None:
        entry = self._entries[name]
        spot = Spot(entry.document.file, entry.document.folder, entry.path)
        found = self.lists[name] = self._listed(entry.value, spot, (name,))
        return found

    def _unknown(self, model: str, kind: Kind | None, spot: Spot) -> None:
        hint = self._findings.suggestion(model, self._entries)
        if not hint and kind is not None:
            hint = makers(kind, '"{}"')
        what = f"`{model}` is neither an alias of [models] nor provider/name"
        self._literals.wrong(spot, what, hint or 'write "provider/name", as "local/card"')

    def _not_text(self, written: Any, spot: Spot) -> None:
        hint = 'write [{ id = "provider/name", ... }]' if isinstance(written, dict) else ""
        self._literals.wrong(spot, f'a model is text, as "local/card", not {a_value(written)}', hint)
