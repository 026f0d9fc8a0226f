from __future__ import annotations

from collections.abc import Iterator

import pytest
from oracle.builds import declared


@pytest.fixture(autouse=True, scope="module")
def _stub_kinds() -> Iterator[None]:
    """Kinds that run in microseconds, beside the real ones."""
    with declared():
        yield
