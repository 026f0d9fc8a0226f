from __future__ import annotations

import pytest

from dagcontent.errors import NodeError
from dagcontent.kinds.registry import KINDS
from dagcontent.plan.coerce import coerce


def test_a_time_may_be_a_word() -> None:
    """`at = "last"` of video.frame passed the check and failed in the build: a parameter may take text beside numbers."""
    at = next(param for param in KINDS["video.frame"].params if param.name == "at")
    assert coerce("last", at) == "last"
    assert coerce(1.5, at) == 1.5
    with pytest.raises(NodeError, match="`at` is `middle`"):
        coerce("middle", at)
