"""Tables of providers, the environment and a `.env` file into configurations with their keys. Reads the file once, when asked.

A `.env` file gives keys and nothing else: what else it holds changes nothing, and the environment goes before it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from dagcontent.cli.settings_provider import ProviderTable
from dagcontent.errors import ConfigError
from dagcontent.providers.config import ProviderConfig
from dagcontent.providers.registry import VENDORS, Vendor
from dagcontent.providers.secret import Secret, host_matches, host_of

__all__ = ["parse_env", "provider_configs"]

_MOST_BYTES: Final = 64 * 1024
_LINE: Final = re.compile(r"[ \t]*(?:export[ \t]+)?([A-Za-z_][A-Za-z0-9_.]*)[ \t]*=[ \t]*")
_REST: Final = re.compile(r"[ \t]*(?:#[^\n]*)?(?:\n|\Z)")
_ESCAPES: Final = {"n": "\n", "r": "\r", "t": "\t", '"': '"', "\\": "\\", "$": "$"}
_KEY: Final = re.compile(r"[\x21-\x7e]{1,4096}")
_TELLING: Final = re.compile(r"auth|key|token|secret|cookie|credential|password|signature", re.IGNORECASE)


def provider_configs(
    tables: Mapping[str, ProviderTable], environment: Mapping[str, str], env_file: Path | None
) -> Mapping[str, ProviderConfig]:
    """Return every provider with its key, if it has one. Raises ConfigError for a `.env` file or a key that cannot be used."""
    variables = {**_read_env(env_file), **{name: value for name, value in environment.items() if value}}
    return _Configs(tables, variables)


class _Configs(Mapping[str, ProviderConfig]):
    """Ours and those that have a table; one of another package is made when it is asked for."""

    def __init__(self, tables: Mapping[str, ProviderTable], variables: Mapping[str, str]) -> None:
        self._tables = tables
        self._variables = variables
        self._made = {name: self._make(name) for name in dict.fromkeys((*VENDORS, *tables))}

    def __getitem__(self, name: str) -> ProviderConfig:
        if name not in self._made:
            self._made[name] = self._make(name)
        return self._made[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._made)

    def __len__(self) -> int:
        return len(self._made)

    def _make(self, name: str) -> ProviderConfig:
        return _config(name, VENDORS[name], self._tables.get(name, ProviderTable()), self._variables)


def _config(name: str, vendor: Vendor, table: ProviderTable, variables: Mapping[str, str]) -> ProviderConfig:
    for header, value in table.headers.items():
        if _TELLING.search(header):
            Secret(value, f"{name}.headers.{header}")  # from now on `redact` knows it
            Secret(value.rpartition(" ")[2], f"{name}.headers.{header}")
    return ProviderConfig(
        name=name,
        base_url=table.base_url.rstrip("/") if table.base_url else None,
        headers=dict(table.headers),
        key=_key(vendor, table, variables),
        keyless=table.api_key_env == "" or (name == "google" and table.project is not None),
        variable=table.api_key_env or "",
        api_version=table.api_version,
        project=table.project,
        location=table.location,
        concurrency=table.concurrency,
        requests_per_minute=table.requests_per_minute,
        bounds=dict(table.bounds),
        name_of_realm=table.realm,
        own_hosts=vendor.hosts,
    )


def _key(vendor: Vendor, table: ProviderTable, variables: Mapping[str, str]) -> Secret | None:
    if table.api_key_env == "":
        return None
    for variable in (table.api_key_env,) if table.api_key_env else vendor.keys:
        text = variables.get(variable, "").strip()
        if text:
            return _secret(text, variable, _hosts(vendor, table))
    if vendor.pair is not None and not table.api_key_env:
        first, second = (variables.get(variable, "").strip() for variable in vendor.pair)
        if first and second:
            return _secret(f"{first}:{second}", vendor.pair[1], _hosts(vendor, table))
    return None


def _secret(text: str, variable: str, hosts: tuple[str, ...]) -> Secret:
    secret = Secret(text, variable, hosts)
    if not _KEY.fullmatch(text):
        raise ConfigError(
            f"{variable} is no key: it holds a space, a line break or a letter that no key has",
            hint=f"set it again, without what was copied with it: export {variable}=...",
        )
    return secret


def _hosts(vendor: Vendor, table: ProviderTable) -> tuple[str, ...]:
    """Return the hosts a key may be sent to: the configured address's only, or the vendor's own."""
    own = vendor.hosts
    if table.location and "aiplatform.googleapis.com" in own:
        own = (*own, f"{table.location}-aiplatform.googleapis.com")
    if table.base_url is None:
        return own
    host = host_of(table.base_url)
    return own if any(host_matches(host, one) for one in own) else (host,)


def _read_env(path: Path | None) -> dict[str, str]:
    if path is None or not path.is_file():
        return {}
    try:
        with path.open("rb") as file:
            data = file.read(_MOST_BYTES + 1)
        if len(data) > _MOST_BYTES:
            raise ConfigError(f"{path} is longer than {_MOST_BYTES // 1024} KiB", hint="a .env file holds keys only")
        text = data.decode("utf-8-sig")
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror or error}", hint="look at its permissions") from None
    except UnicodeDecodeError:
        raise ConfigError(f"{path} is not UTF-8 text", hint="save it as UTF-8") from None
    return parse_env(text, str(path))


def parse_env(text: str, shown: str = ".env") -> dict[str, str]:
    r"""Return the variables of a `.env` file; the last of a name wins. Raises ConfigError with the line, never with a value.

    Lines are `KEY=VALUE`, `export ` may stand before. A value is bare (up to ` #`), in single quotes (as it is) or in
    double quotes (\n \r \t \" \\ \$ are escapes); quoted ones may have several lines. Nothing is expanded or run.
    """
    text = text.replace("\r\n", "\n")
    found: dict[str, str] = {}
    at = 0

    def wrong(what: str) -> ConfigError:
        line = text.count("\n", 0, at) + 1
        return ConfigError(f"{shown}:{line}: {what}", hint="lines are KEY=VALUE; # begins a comment")

    if "\0" in text:
        at = text.index("\0")
        raise wrong("a NUL")
    while at < len(text):
        blank = _REST.match(text, at)
        if blank is not None:
            if blank.end() == at:
                break
            at = blank.end()
            continue
        head = _LINE.match(text, at)
        if head is None:
            raise wrong("this is not KEY=VALUE")
        quote = text[head.end() : head.end() + 1]
        if quote in {'"', "'"}:
            value, end = _quoted(text, head.end() + 1, quote)
            rest = _REST.match(text, end) if end >= 0 else None
            if end < 0:
                raise wrong("a quote that is never closed")
            if rest is None:
                raise wrong("there is more after the closing quote")
            end = rest.end()
        else:
            line_end = text.find("\n", head.end())
            end = len(text) if line_end < 0 else line_end
            value = re.split(r"(?:^|[ \t])#", text[head.end() : end], maxsplit=1)[0].strip()
        found[head[1]] = value
        at = end
    return found


def _quoted(text: str, start: int, quote: str) -> tuple[str, int]:
    """Return a quoted value and the offset behind its closing quote, -1 where there is none."""
    made: list[str] = []
    at = start
    while at < len(text):
        letter = text[at]
        if letter == quote:
            return "".join(made), at + 1
        if letter == "\\" and quote == '"' and at + 1 < len(text):
            escaped = text[at + 1]
            made.append(_ESCAPES.get(escaped, "\\" + escaped))
            at += 2
        else:
            made.append(letter)
            at += 1
    return "", -1
