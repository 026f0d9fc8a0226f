"""dagcontent: build AI content from a declared graph, and only what is missing. Knows no layer until it is asked.

Names are imported when they are first used (PEP 562), so that `import dagcontent` costs nothing.
`dagcontent.plan` is the function; the layer of the same name is reached by `from dagcontent.plan import ...`.
"""

from __future__ import annotations

import sys
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dagcontent.api import abuild, aplan, build, load, plan
    from dagcontent.errors import (
        AttemptDetached,
        AttemptUnresolved,
        BudgetExceeded,
        ConfigError,
        DagcontentError,
        GraphError,
        InternalError,
        NodeError,
        OverBudget,
        ProviderError,
        StoreBusy,
        StoreDamaged,
        StoreError,
        StoreFull,
        UsageError,
    )

__version__ = "0.1.0"

__all__ = [
    "AttemptDetached",
    "AttemptUnresolved",
    "BudgetExceeded",
    "ConfigError",
    "DagcontentError",
    "GraphError",
    "InternalError",
    "NodeError",
    "OverBudget",
    "ProviderError",
    "StoreBusy",
    "StoreDamaged",
    "StoreError",
    "StoreFull",
    "UsageError",
    "__version__",
    "abuild",
    "aplan",
    "build",
    "load",
    "plan",
]

_FROM_API = frozenset({"abuild", "aplan", "build", "load", "plan"})


def __getattr__(name: str) -> object:
    """Import a public name from where it lives, and keep it."""
    if name not in __all__:
        text = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(text)
    home = "dagcontent.api" if name in _FROM_API else "dagcontent.errors"
    value = getattr(import_module(home), name)
    globals()[name] = value
    return value


class _Package(ModuleType):
    """The type of this package: the first import of a layer does not hide a public function of its name."""

    def __setattr__(self, name: str, value: object) -> None:
        if not (name in _FROM_API and isinstance(value, ModuleType)):
            super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Package


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
