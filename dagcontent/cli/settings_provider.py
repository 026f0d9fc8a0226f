"""One `[provider.NAME]` table into what it sets, or into its mistakes. Knows no environment, and reads no key.

Where a table could hold a secret, its mistakes are shown at the name, and no message repeats the value.
"""

from __future__ import annotations

import ipaddress
import math
import re
from collections.abc import Callable, Mapping
from typing import Any, Final
from urllib.parse import urlsplit

import msgspec

from dagcontent.providers.port import Bounds
from dagcontent.providers.registry import VENDORS
from dagcontent.spec.findings import Findings
from dagcontent.spec.words import a_value, listed

__all__ = ["ProviderTable", "check_providers"]

_GOOGLES: Final = frozenset({"api_version", "project", "location"})
_VARIABLE: Final = re.compile(r"(?!(?:sk|xi|key)_)[A-Za-z_][A-Za-z0-9_]{0,63}")
"""A key of some vendors could be the name of a variable, but for how it begins."""
_URL: Final = re.compile(r"https?://(?:\[[0-9a-fA-F:.]+\]|[A-Za-z0-9._-]+)(?::[0-9]{1,5})?(?:/[!-~]*)?")
_REALM: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_HEADER: Final = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,64}")
_HEADER_VALUE: Final = re.compile(r"[\x21-\x7e](?:[\x20-\x7e]{0,4094}[\x21-\x7e])?")
_OURS: Final = frozenset(
    "accept-encoding connection content-encoding content-length content-type cookie expect host keep-alive "
    "proxy-authorization range te trailer transfer-encoding upgrade".split()
)
_LONGEST_S: Final = 7 * 86_400.0
_MOST_AT_ONCE: Final = 1_000
_MOST_A_MINUTE: Final = 1_000_000.0


class ProviderTable(msgspec.Struct, frozen=True, kw_only=True):
    """What a file sets of one provider. `api_key_env` empty: no key is needed."""

    api_key_env: str | None = None
    base_url: str | None = None
    headers: Mapping[str, str] = {}
    concurrency: int | None = None
    requests_per_minute: float | None = None
    realm: str | None = None
    bounds: Mapping[str, float] = {}
    insecure: bool = False
    api_version: str | None = None
    project: str | None = None
    location: str | None = None

    def __repr__(self) -> str:
        return f"<[provider] at {self.base_url or 'its own address'}>"


def check_providers(tables: Any, findings: Findings) -> dict[str, ProviderTable]:
    """Note every mistake of `[provider]`; return what is right of it, by the provider's name."""
    if not isinstance(tables, Mapping):
        findings.add(0, ("provider",), f"`provider` is a table of tables, not {a_value(tables)}", at="key",
                     caret="write [provider.openai]")  # fmt: skip
        return {}
    made = {}
    for name, table in tables.items():
        if name not in VENDORS:
            findings.add(0, ("provider", name), f"there is no provider `{name}`", at="key",
                         caret=findings.suggestion(name, VENDORS), note=f"providers are: {listed(list(VENDORS))}")  # fmt: skip
        elif not isinstance(table, Mapping):
            findings.add(0, ("provider", name), f"`{name}` is a table, not {a_value(table)}", at="key",
                         caret=f"write [provider.{name}]")  # fmt: skip
        else:
            made[name] = _Checked(name, table, findings).table()
    return made


class _Checked:
    """One table on its way. Each `_name` returns a setting's value, or None after it noted what is wrong with it."""

    def __init__(self, provider: str, table: Mapping[str, Any], findings: Findings) -> None:
        self._provider = provider
        self._table = table
        self._findings = findings

    def table(self) -> ProviderTable:
        """Return what is right; what is left out has its default."""
        known = [name for name in ProviderTable.__struct_fields__ if name not in _GOOGLES or self._provider == "google"]
        right = {}
        for name, value in self._table.items():
            if name in known:
                found = _CHECKS[name](self, name, value)
                if found is not None:
                    right[name] = found
            elif name in _GOOGLES:
                self._wrong((name,), f"only google has `{name}`")
            else:
                note = f"it has: {listed(known)}"
                if "key" in name.lower() or "secret" in name.lower() or "token" in name.lower():
                    note = "a key is in a variable, and `api_key_env` is the variable's name"
                caret = self._findings.suggestion(name, known)
                self._wrong((name,), f"there is no setting `{name}` of a provider", caret=caret, note=note)
        self._together(right)
        return ProviderTable(**right)

    def _together(self, right: Mapping[str, Any]) -> None:
        """Note what does not go together."""
        if "realm" in right and "base_url" not in self._table:
            self._wrong(("realm",), "`realm` names what another address makes, and there is no `base_url`")
        if right.get("api_key_env") == "" and "base_url" not in self._table:
            self._wrong(("api_key_env",), f"{self._provider} itself is not called without a key",
                        note="an empty `api_key_env` is for servers of your own: set their `base_url`")  # fmt: skip
        url = right.get("base_url", "")
        if url.startswith("http:") and not right.get("insecure") and not _is_loopback(url):
            self._wrong(("base_url",), "a key would go over the net in the clear", caret="write https",
                        note="`insecure = true` allows it where you know the way is safe")  # fmt: skip

    def _wrong(self, path: tuple[str, ...], message: str, *, caret: str = "", note: str = "") -> None:
        self._findings.add(0, ("provider", self._provider, *path), message, at="key", caret=caret, note=note)

    def variable(self, name: str, value: Any) -> str | None:
        """Check the name of an environment variable."""
        if isinstance(value, str) and (value == "" or _VARIABLE.fullmatch(value)):
            return value
        said = "is not one" if isinstance(value, str) else f"{a_value(value)} is not one"
        self._wrong((name,), f"`{name}` is the name of a variable, as {VENDORS[self._provider].keys[0]}: this {said}",
                    note="the key itself stands in the environment, or in a .env file beside the graph, never here")  # fmt: skip
        return None

    def url(self, name: str, value: Any) -> str | None:
        """Check an address."""
        wrong = a_value(value) if not isinstance(value, str) else _url_mistake(value)
        if wrong is None:
            return str(value)
        self._wrong((name,), f"`{name}` is an address, as https://gateway.example/v1: this {wrong}" if isinstance(value, str)
                    else f"`{name}` is an address, as https://gateway.example/v1, not {wrong}")  # fmt: skip
        return None

    def headers(self, name: str, value: Any) -> dict[str, str] | None:
        """Check headers; values are in no message."""
        if not isinstance(value, Mapping):
            self._wrong((name,), f"`{name}` is a table of texts, not {a_value(value)}", caret='as { X-Team = "film" }')
            return None
        made: dict[str, str] = {}
        for header, text in value.items():
            if not _HEADER.fullmatch(header):
                self._wrong((name, header), "this is no name of a header: letters, digits and - make one")
            elif header.lower() in _OURS:
                self._wrong((name, header), f"`{header}` is set by dagcontent itself")
            elif header.lower() in {known.lower() for known in made}:
                self._wrong((name, header), f"`{header}` is given twice: capitals make no other header")
            elif not isinstance(text, str):
                self._wrong((name, header), f"a header's value is text, not {a_value(text)}")
            elif not _HEADER_VALUE.fullmatch(text):
                self._wrong((name, header), "a header's value is one line of ASCII without spaces around it")
            else:
                made[header] = text
        return made

    def count(self, name: str, value: Any) -> int | None:
        """Check a number of requests at once."""
        if isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= _MOST_AT_ONCE:
            return value
        self._number((name,), value, f"a whole number from 1 to {_MOST_AT_ONCE:,}")
        return None

    def rate(self, name: str, value: Any) -> float | None:
        """Check a number of requests a minute."""
        if _is_number(value) and 0 < value <= _MOST_A_MINUTE:
            return float(value)
        self._number((name,), value, f"a number above 0, {_MOST_A_MINUTE:,.0f} at most")
        return None

    def bounds(self, name: str, value: Any) -> dict[str, float] | None:
        """Check bounds, in seconds."""
        known = Bounds.__struct_fields__
        if not isinstance(value, Mapping):
            self._wrong((name,), f"`{name}` is a table of seconds, not {a_value(value)}", caret="as { answer_s = 900 }")
            return None
        made: dict[str, float] = {}
        for bound, seconds in value.items():
            if bound not in known:
                self._wrong((name, bound), f"there is no bound `{bound}`", caret=self._findings.suggestion(bound, known),
                            note=f"bounds are: {listed(known)}")  # fmt: skip
            elif not (_is_number(seconds) and 0 < seconds <= _LONGEST_S):
                self._number((name, bound), seconds, "a number of seconds above 0, a week at most")
            else:
                made[bound] = float(seconds)
        return made

    def flag(self, name: str, value: Any) -> bool | None:
        """Check true or false."""
        if isinstance(value, bool):
            return value
        self._wrong((name,), f"`{name}` is true or false, not {a_value(value)}")
        return None

    def name(self, name: str, value: Any) -> str | None:
        """Check a name that becomes part of keys and paths."""
        if isinstance(value, str) and _REALM.fullmatch(value):
            return value
        said = "not this" if isinstance(value, str) else f"not {a_value(value)}"
        self._wrong((name,), f"`{name}` is a name of letters, digits, dots and -, {said}")
        return None

    def _number(self, path: tuple[str, ...], value: Any, right: str) -> None:
        said = f"not {value}" if _is_number(value) else f"not {a_value(value)}"
        self._findings.add(0, ("provider", self._provider, *path), f"`{path[-1]}` is {right}, {said}")


_CHECKS: Final[Mapping[str, Callable[[_Checked, str, Any], Any]]] = {
    "api_key_env": _Checked.variable, "base_url": _Checked.url, "headers": _Checked.headers,
    "concurrency": _Checked.count, "requests_per_minute": _Checked.rate, "realm": _Checked.name,
    "bounds": _Checked.bounds, "insecure": _Checked.flag, "api_version": _Checked.name, "project": _Checked.name,
    "location": _Checked.name,
}  # fmt: skip


def _url_mistake(url: str) -> str | None:
    """Return what is wrong with an address, in words that do not repeat it."""
    if "://" in url and not url.lower().startswith(("http://", "https://")):
        return "is neither http nor https"
    if "@" in url:
        return "holds a name or a password; `headers` and `api_key_env` are for those"
    if "?" in url or "#" in url:
        return "has a query or a mark: paths are put behind it"
    if not _URL.fullmatch(url) or any(part in {".", ".."} for part in url.split("/")):
        return "is not one"
    try:
        parts = urlsplit(url)
        if parts.port == 0 or not parts.hostname:
            return "is not one"
    except ValueError:
        return "is not one"
    return None


def _is_loopback(url: str) -> bool:
    host = (urlsplit(url).hostname or "").rstrip(".")
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
