"""Turn the name of a package into the folders that it is installed in, without importing it. Knows no kind.

Packages that bring a program, a library or a model are looked into only: their import takes long, or opens the library here.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path

__all__ = ["folders_of"]


def folders_of(package: str) -> list[Path]:
    """Return the folders of a package: one, as a rule; none where it is not installed."""
    found = importlib.util.find_spec(package)
    return [] if found is None else [Path(place) for place in found.submodule_search_locations or ()]
