"""A key into a value that shows itself to nobody but its own hosts, and texts into texts without it. Knows no vendor.

A secret that was made is known to `redact` from then on: whoever words an error need not remember which keys there are.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import threading
from collections.abc import Iterable, Mapping
from typing import Any, Final, NoReturn
from urllib.parse import quote, quote_plus, urlsplit

from dagcontent.errors import InternalError

__all__ = ["LEAST_LENGTH", "Secret", "host_matches", "host_of", "redact", "redact_data"]

LEAST_LENGTH: Final = 8
"""Shorter values are not looked for in texts: they would be found in half of all words."""

_PORTS: Final = {"http": 80, "https": 443}


class Secret:
    """One key, or one header's value. Its text is had by `reveal` only, and there for its own hosts only.

    `name` is what people call it: the variable it came from. `hosts` are those it may be sent to: "api.example.com",
    "127.0.0.1:8000", or ".example.com" for all below it. It cannot be pickled, and copies are the secret itself.
    """

    __slots__ = ("_hosts", "_text", "name")

    def __init__(self, text: str, name: str, hosts: Iterable[str] = ()) -> None:
        self.name = name
        self._text = text
        self._hosts = tuple(hosts)
        _KNOWN.add(text, name)

    def reveal(self, host: str) -> str:
        """Return the text, to be sent to this host (with its port, where that is not its scheme's own). Raises InternalError."""
        if not any(host_matches(host, own) for own in self._hosts):
            # The host comes from our own code or from a vendor's answer that was not checked: a fault either way.
            raise InternalError(
                f"{self.name} was about to be sent to {host}", facts=[("its hosts", ", ".join(self._hosts) or "none")]
            )
        return self._text

    def bound(self, hosts: Iterable[str]) -> Secret:
        """Return the same secret for other hosts."""
        return Secret(self._text, self.name, hosts)

    def __bool__(self) -> bool:
        return bool(self._text)

    @property
    def fingerprint(self) -> str:
        """Twelve hex digits that tell keys apart and lead back to none."""
        return hashlib.sha256(b"dagcontent account\0" + self._text.encode()).hexdigest()[:12]

    def __repr__(self) -> str:
        return f"<{self.name}>"

    def __format__(self, _spec: str) -> str:
        return repr(self)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and (self._text, self._hosts) == (other._text, other._hosts)

    def __hash__(self) -> int:
        return hash((self._text, self._hosts))

    def __copy__(self) -> Secret:
        return self

    def __deepcopy__(self, _memo: object) -> Secret:
        return self

    def __getstate__(self) -> NoReturn:
        raise TypeError(f"{self.name} is a secret: it is not pickled")

    def __reduce_ex__(self, _protocol: object) -> NoReturn:
        self.__getstate__()


def host_of(url: str) -> str:
    """Return "host" or "host:port" of a URL, the port where it is not its scheme's own. Raises ValueError for a wrong URL."""
    parts = urlsplit(url)
    host = (parts.hostname or "").rstrip(".").lower()
    if ":" in host:
        host = f"[{host}]"
    port = parts.port
    return host if port is None or port == _PORTS.get(parts.scheme) else f"{host}:{port}"


def host_matches(host: str, pattern: str) -> bool:
    """Tell whether a host is the one of a pattern, or below it (".example.com"). Ports must be the same."""
    host, pattern = host.lower(), pattern.lower()
    return host.endswith(pattern) and len(host) > len(pattern) if pattern.startswith(".") else host == pattern


def redact(text: str) -> str:
    """Return a text with every known secret put as [ITS_NAME], in whichever form it stands there, and credentials hidden.

    Forms: as it is, base64 (anywhere in what was encoded), hex, URL-quoted, JSON-escaped. Unknown credentials are found
    by what they stand behind: a header's name, a parameter of a signed URL.
    """
    text = _KNOWN.replace(text)
    text = _HEADER.sub(r"\1[hidden]", text)
    text = _USERINFO.sub(r"\1[hidden]@", text)
    return _PARAMETER.sub(r"\1[hidden]", text)


def redact_data(value: Any) -> Any:
    """Return JSON data with all its texts, keys too, redacted."""
    if isinstance(value, str):
        return redact(value)
    if isinstance(value, Mapping):
        return {redact(str(key)): redact_data(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [redact_data(item) for item in value]
    return value


_HEADER: Final = re.compile(
    r"""((?:["']?\b(?:proxy-)?authorization["']?\s*[:=]\s*["']?(?:(?:bearer|key|basic|token)\s+)?)"""
    r"""|(?:["']?\b(?:xi-api-key|x-goog-api-key|x-api-key|api-key)["']?\s*[:=]\s*["']?))(?!(?:bearer|key|basic|token)\s)[^\s"',;\[\]]+""",
    re.IGNORECASE,
)
_PARAMETER: Final = re.compile(
    r"([?&](?:x-amz-(?:signature|credential|security-token)|x-goog-(?:signature|credential)|googleaccessid|awsaccesskeyid"
    r"|signature|sig|policy|key-pair-id|token|access_token|api_?key|key|secret|hdnea|hmac)=)[^&\s\"'<>\[\]]+",
    re.IGNORECASE,
)
_USERINFO: Final = re.compile(r"(\bhttps?://)[^\s/@\"'<>?#\[\]]+@", re.IGNORECASE)


class _Known:
    """Every form of every secret of this process, and one expression that finds them all."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._names: dict[str, str] = {}
        self._find: re.Pattern[str] | None = None

    def add(self, text: str, name: str) -> None:
        """Take note of a secret; of two names the first stays."""
        # Of "id:secret", the way some vendors join the two, the second half alone is as good.
        whole = [text, text.strip(), *text.split(":")[1:]]
        with self._lock:
            for value in whole:
                if len(value) >= LEAST_LENGTH:
                    for form in _forms(value):
                        self._names.setdefault(form, name)
            self._find = None

    def replace(self, text: str) -> str:
        """Return a text with all forms put by their names."""
        with self._lock:
            if self._find is None:
                longest = sorted(self._names, key=len, reverse=True)
                self._find = re.compile("|".join(map(re.escape, longest)) if longest else r"(?!)")
            find, names = self._find, self._names
        return find.sub(lambda found: f"[{names[found[0]]}]", text)


def _forms(value: str) -> set[str]:
    data = value.encode("utf-8", "surrogatepass")
    forms = {value, data.hex(), data.hex().upper()}
    for quoted in (quote(data, safe=""), quote(data), quote_plus(data)):
        forms |= {quoted, re.sub(r"%[0-9A-F]{2}", lambda found: found[0].lower(), quoted)}
    for escaped in (json.dumps(value), json.dumps(value, ensure_ascii=False)):
        forms |= {escaped[1:-1], escaped[1:-1].replace("/", r"\/")}
    forms.add(repr(value)[1:-1])
    for before in range(3):
        # What stands before moves the groups of six bits, and shares the first and last characters: those are left out.
        start, whole = (before * 8 + 5) // 6, (before + len(data)) * 8 // 6
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            forms.add(encode(bytes(before) + data).decode()[start:whole])
    return forms


_KNOWN: Final = _Known()
