"""A use of the public names that a type checker must accept. It is read by mypy --strict and never run."""

from __future__ import annotations

from typing import assert_type

import dagcontent

assert_type(dagcontent.__version__, str)

try:
    pass
except dagcontent.GraphError as error:
    assert_type(error.hint, str | None)
    assert_type(error.exit_code, int)
except dagcontent.NodeError as error:
    assert_type(error.retry, bool)
    assert_type(error.facts, tuple[tuple[str, str], ...])

# Every branch can be caught by the root.
branches: list[type[dagcontent.DagcontentError]] = [
    dagcontent.UsageError,
    dagcontent.StoreError,
    dagcontent.ProviderError,
    dagcontent.BudgetExceeded,
    dagcontent.InternalError,
]
