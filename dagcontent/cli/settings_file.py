"""Turn one configuration file into what it sets, or into its mistakes. Knows not which file it is, but whose.

A file beside a graph came with the graph: it may set nothing that leads a secret or a request elsewhere.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import msgspec

from dagcontent.errors import ConfigError, GraphError
from dagcontent.spec.document import Files, read_file
from dagcontent.spec.findings import Findings
from dagcontent.spec.source import Located, locate_all
from dagcontent.spec.words import a_value, listed
from dagcontent.values.mistake import Mistake
from dagcontent.values.money import Ceiling
from dagcontent.values.units import UnitCeiling

if TYPE_CHECKING:
    from dagcontent.catalog.market import Market
    from dagcontent.cli.settings_provider import ProviderTable

__all__ = ["FileSettings", "read_file_settings"]

_EXECUTED: Final = ("store", "provider", "budget", "price", "confirm_above_usd")
_LATER: Final = ("executor", "remote")
_USERS_ONLY: Final = {
    "provider": "a file beside a graph comes with the graph: it may not say where your keys are sent",
    "price": "a file beside a graph comes with the graph: a price that it sets would make your budgets worth less",
}
_SECRET: Final = re.compile(
    r"""(?i:key|token|secret|auth|password|cookie|credential)[\w-]*+["']?\s*+=\s*+"""
    r"""(?!"[A-Z][A-Z0-9_]*"\s*$|""\s*$|[0-9]+\s*$|true\s*$|false\s*$)(?P<value>"(?:[^"\\]|\\.)*"?|'[^']*'?|\[[^\]]*\]?|[^=]+)"""
    r"""|://(?P<name>[^/@\s"']+)@|://[^\s"'?]*\?(?P<query>[^\s"']+)"""
)
"""What stands behind such a name, up to the next one, but for names of variables, numbers and flags; and an address's secrets."""


class FileSettings(msgspec.Struct, frozen=True):
    """What one file sets, and what there is to say of it."""

    store: Path | None = None
    providers: Mapping[str, ProviderTable] = {}
    ceilings: tuple[Ceiling, ...] = ()
    unit_ceilings: tuple[UnitCeiling, ...] = ()
    confirm_above_microusd: int | None = None
    market: Market | None = None
    warnings: tuple[str, ...] = ()


def read_file_settings(file: Path, *, own: bool) -> FileSettings:
    """Return what a file sets. Raises ConfigError, GraphError with all mistakes."""
    findings = Findings()
    files = Files(read_file, findings, os.fspath(file))
    try:
        data = read_file(os.fspath(file))
    except OSError as error:
        raise ConfigError(f"{file} cannot be read: {error.strerror or error}", hint="look at its permissions") from None
    _, table = files.toml(files.graph, data)
    made = _checked(table, file, findings, own=own) if table is not None else FileSettings()
    found = [_without_secrets(one) for one in locate_all(files.sources, findings.mistakes)]
    wrong = [one for one in found if not one.warning]
    if wrong:
        count = f"{len(wrong)} mistake{'s' * (len(wrong) != 1)}"
        raise GraphError(f"{count} in {file}; nothing was run", found)
    return msgspec.structs.replace(made, warnings=tuple(_line(one) for one in found))


def _checked(table: Mapping[str, Any], file: Path, findings: Findings, *, own: bool) -> FileSettings:
    """Note every mistake; return what is given and right."""
    for name in table:
        if name in _USERS_ONLY and not own:
            findings.add(0, (name,), f"`{name}` can be set in your own config.toml only", at="key",
                         note=_USERS_ONLY[name])  # fmt: skip
        elif name in _LATER:
            findings.note(Mistake(f"`{name}` is not used by this version yet", 0, (name,), "key", warning=True))
        elif name not in _EXECUTED:
            known = [*_EXECUTED, *_LATER]
            findings.add(0, (name,), f"there is no setting `{name}`", at="key",
                         caret=findings.suggestion(name, known), note=f"settings are: {listed(known)}")  # fmt: skip
    providers: dict[str, ProviderTable] = {}
    ceilings: list[Ceiling | UnitCeiling] = []
    confirm: int | None = None
    if "provider" in table and own:
        from dagcontent.cli.settings_provider import check_providers  # noqa: PLC0415 - a free graph needs no provider

        providers = check_providers(table["provider"], findings)
    if "budget" in table:
        from dagcontent.cli.settings_budget import check_budget  # noqa: PLC0415 - as above
        from dagcontent.providers.registry import VENDORS  # noqa: PLC0415 - as above

        ceilings = check_budget(table["budget"], os.fspath(file), findings, VENDORS)
    if "confirm_above_usd" in table:
        from dagcontent.cli.settings_budget import check_usd  # noqa: PLC0415 - as above

        confirm = check_usd(("confirm_above_usd",), table["confirm_above_usd"], findings)
    market: Market | None = None
    if "price" in table and own:
        from dagcontent.cli.settings_price import check_prices  # noqa: PLC0415 - most have none

        market = check_prices(table["price"], findings)
    path = _store(table, findings)
    return FileSettings(
        file.parent / Path(path).expanduser() if path else None,
        providers,
        tuple(one for one in ceilings if isinstance(one, Ceiling)),
        tuple(one for one in ceilings if isinstance(one, UnitCeiling)),
        confirm,
        market,
    )


def _store(table: Mapping[str, Any], findings: Findings) -> str | None:
    """Note the mistakes of `[store]`; return its path, if it is given and right."""
    store = table.get("store")
    if store is None:
        return None
    if not isinstance(store, Mapping):
        findings.add(0, ("store",), f"`store` is a table, not {a_value(store)}", caret='write [store] and path = "..."')
        return None
    for name in store:
        if name != "path":
            findings.add(0, ("store", name), f"there is no setting `{name}` of the store", at="key",
                         caret=findings.suggestion(name, ["path"]), note="it has: path")  # fmt: skip
    path = store.get("path")
    if path is not None and not (isinstance(path, str) and path.strip()):
        findings.add(
            0, ("store", "path"), f"`path` is the path of a folder, not {a_value(path) if path != '' else 'empty'}"
        )
        return None
    return path


def _without_secrets(found: Located) -> Located:
    """Return a mistake that shows no value that could be a key; what is hidden is as long as it was, so that carets stay."""
    hidden: list[str] = []

    def dots(part: re.Match[str]) -> str:
        start, end = part.span(part.lastgroup or 0)
        hidden.append(part.string[start:end].strip(" \t\"'[]{},"))
        return part.string[part.start() : start] + "." * (end - start) + part.string[end : part.end()]

    source = _SECRET.sub(dots, found.source)
    message, caret, note = found.message, found.caret, found.note
    for value in filter(None, hidden):
        message, caret, note = (text.replace(value, "...") for text in (message, caret, note))
    return msgspec.structs.replace(found, source=source, message=message, caret=caret, note=note)


def _line(found: Located) -> str:
    return f"{found.file}:{found.line}:{found.column}: {found.message}"
