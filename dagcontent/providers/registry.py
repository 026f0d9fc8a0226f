"""A provider's name into its module, its packages and its key, and a configuration into an adapter. Imports none before it is used."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Iterable, Iterator, Mapping
from importlib.machinery import ModuleSpec, PathFinder
from typing import TYPE_CHECKING, Final

import msgspec

from dagcontent.catalog.third import is_installed, loaded, package_of
from dagcontent.errors import ConfigError
from dagcontent.providers.config import ProviderConfig
from dagcontent.providers.port import Adapter

if TYPE_CHECKING:
    from dagcontent.providers.once import Gates

__all__ = ["VENDORS", "Problem", "Vendor", "installed", "make", "missing", "recovery_of"]


class Vendor(msgspec.Struct, frozen=True):
    """Where a provider's adapter is and what it needs. An entry point of the group `dagcontent.providers` is one, too.

    `extra` is what to install (of ours an extra of dagcontent's, of others a package), `package` what then can be imported.
    The key is in the first of `keys` that is set; `pair` are two variables that together make one, as "id:secret". `base`
    is the vendor's own address, `hosts` are all that its key may be sent to, in the header `auth[0]`, behind `auth[1]`.
    """

    module: str
    extra: str
    package: str
    keys: tuple[str, ...]
    base: str
    hosts: tuple[str, ...]
    auth: tuple[str, str] = ("Authorization", "Bearer ")
    pair: tuple[str, str] | None = None
    catalog: str = ""
    """Of a provider of another package: the path of its models' TOML file, in the form of those in `dagcontent.catalog`."""


class _Vendors(Mapping[str, Vendor]):
    """Our own; providers of other packages are found by their name, and are not counted among these."""

    def __init__(self, own: Mapping[str, Vendor]) -> None:
        self._own = own

    def __getitem__(self, name: str) -> Vendor:
        if name in self._own:
            return self._own[name]
        if not is_installed(name):
            raise KeyError(name)
        found = loaded(name)
        if not isinstance(found, Vendor):
            text = f"the provider {name} is no {Vendor.__module__}.Vendor, but {type(found).__name__}"
            raise ConfigError(text, hint=f"look at the package {package_of(name)}, or uninstall it")
        return found

    def __iter__(self) -> Iterator[str]:
        return iter(self._own)

    def __len__(self) -> int:
        return len(self._own)


_OURS: Final[Mapping[str, Vendor]] = {
    "fal": Vendor(
        "dagcontent.providers.fal", "fal", "fal_client", ("FAL_KEY",), "https://queue.fal.run",
        ("queue.fal.run", "fal.run", "rest.fal.ai", "api.fal.ai"), ("Authorization", "Key "),
        ("FAL_KEY_ID", "FAL_KEY_SECRET"),
    ),
    "elevenlabs": Vendor(
        "dagcontent.providers.elevenlabs", "elevenlabs", "elevenlabs", ("ELEVENLABS_API_KEY",),
        "https://api.elevenlabs.io", ("api.elevenlabs.io", ".elevenlabs.io"), ("xi-api-key", ""),
    ),
    "google": Vendor(
        "dagcontent.providers.google", "google", "google.genai", ("GEMINI_API_KEY", "GOOGLE_API_KEY"),
        "https://generativelanguage.googleapis.com",
        ("generativelanguage.googleapis.com", "aiplatform.googleapis.com"), ("x-goog-api-key", ""),
    ),
    "openai": Vendor(
        "dagcontent.providers.openai", "openai", "openai", ("OPENAI_API_KEY",), "https://api.openai.com/v1",
        ("api.openai.com", ".api.openai.com"),
    ),
    "openrouter": Vendor(
        "dagcontent.providers.openrouter", "openai", "openai", ("OPENROUTER_API_KEY",), "https://openrouter.ai/api/v1",
        ("openrouter.ai",),
    ),
}  # fmt: skip

VENDORS: Final[Mapping[str, Vendor]] = _Vendors(_OURS)
"""Every provider by its name. One of another package is loaded when it is asked for, and is not listed."""


class Problem(msgspec.Struct, frozen=True):
    """What keeps a provider from being called, and the command that mends it. `lack`: "extra" or "key"."""

    provider: str
    lack: str
    message: str
    hint: str


def missing(configs: Mapping[str, ProviderConfig], providers: Iterable[str]) -> list[Problem]:
    """Return all that these providers lack. Imports and calls nothing."""
    problems: list[Problem] = []
    for name in dict.fromkeys(providers):
        vendor = VENDORS.get(name)
        if vendor is None:
            problems.append(
                Problem(name, "extra", f"there is no provider {name}", f"providers are: {', '.join(VENDORS)}")
            )
            continue
        if not installed(vendor):
            problems.append(
                Problem(name, "extra", f"{name} needs the package {vendor.package}, which is not installed", _install(vendor))
            )  # fmt: skip
        config = configs.get(name)
        if config is None or not (config.key or config.keyless):
            variables = (config.variable,) if config is not None and config.variable else vendor.keys
            text = f"{name} needs a key: {' or '.join(variables)} is not set"
            problems.append(Problem(name, "key", text, f"export {variables[0]}=..."))
    return problems


def make(config: ProviderConfig, gates: Gates) -> Adapter:
    """Return a provider's adapter; Raises ConfigError if its package is not installed."""
    vendor = VENDORS.get(config.name)
    if vendor is None:
        raise ConfigError(f"there is no provider {config.name}", hint=f"providers are: {', '.join(VENDORS)}")
    try:
        module = importlib.import_module(vendor.module)
        adapter: Adapter = module.adapter(config, gates)
    except ImportError as error:
        text = f"{config.name} cannot be used: {error}"
        raise ConfigError(text, hint=_install(vendor)) from error
    return adapter


def recovery_of(provider: str, operation: str) -> str:
    """Return how a lost answer of an operation is recovered, as its adapter declares it; empty if there is no such operation."""
    vendor = VENDORS.get(provider)
    if vendor is None:
        return ""
    declared = importlib.import_module(vendor.module).OPERATIONS.get(operation)
    return "" if declared is None else str(declared.recovery.value)


def installed(vendor: Vendor) -> bool:
    """Tell whether a vendor's package can be found. Imports nothing, not even the package it may be part of."""
    top, *below = vendor.package.split(".")
    name = top
    found: ModuleSpec | None = importlib.util.find_spec(top)
    for part in below:
        if found is None or found.submodule_search_locations is None:
            return False
        name = f"{name}.{part}"
        found = PathFinder.find_spec(name, found.submodule_search_locations)
    return found is not None


def _install(vendor: Vendor) -> str:
    ours = any(vendor is one for one in _OURS.values())
    return f"pip install 'dagcontent[{vendor.extra}]'" if ours else f"pip install '{vendor.extra}'"
