"""Providers of other packages, by the names of their entry points. Loads one when a model or a setting names it, none before.

An entry point of the group `dagcontent.providers` is an object with the attributes of `dagcontent.providers.registry.Vendor`.
Here only its `catalog` is looked at: the path of a TOML file in the form of those beside this module.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from dagcontent.errors import ConfigError

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

__all__ = ["GROUP", "catalog_of", "is_installed", "loaded", "package_of"]

GROUP: Final = "dagcontent.providers"
"""The group of entry points."""


def is_installed(provider: str) -> bool:
    """Tell whether a package of others brings this provider. Loads nothing of it."""
    return provider not in {"", "local"} and provider in _points()


@cache
def loaded(provider: str) -> Any:
    """Return what an entry point stands for; None if there is none of the name. Raises ConfigError if it cannot be loaded."""
    if not is_installed(provider):
        return None
    point = _points()[provider]
    try:
        return point.load()
    except Exception as error:
        text = f"the provider {provider} cannot be loaded: {type(error).__name__}: {error}"
        raise ConfigError(text, hint=f"look at the package {package_of(provider)}, or uninstall it") from error


def catalog_of(provider: str) -> Path | None:
    """Return where a provider's models are catalogued; None if it is not there or brings no catalog. Raises ConfigError."""
    found = getattr(loaded(provider), "catalog", "") if is_installed(provider) else ""
    return Path(found) if found else None


def package_of(provider: str) -> str:
    """Return the name of the package that brings a provider, with its version; empty if none does."""
    point = _points().get(provider)
    return f"{point.dist.name} {point.dist.version}" if point is not None and point.dist is not None else ""


@cache
def _points() -> Mapping[str, EntryPoint]:
    from importlib.metadata import entry_points  # noqa: PLC0415 - looks through all packages, for unknown names only

    return {point.name: point for point in entry_points(group=GROUP)}
