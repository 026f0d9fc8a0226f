from __future__ import annotations

import pytest

from dagcontent.errors import NodeError
from dagcontent.kinds.declaration import Param
from dagcontent.plan.coerce import coerce
from dagcontent.values.types import NUMBER, TEXT

AT = Param("at", NUMBER, "a time, or a word", minimum=0, also=(TEXT,), choices=("first", "last"))


def test_a_number_or_a_word() -> None:
    """`at = "last"` of video.frame is what clips continue each other by; a time is a number, and other words are none."""
    assert coerce("last", AT) == "last"
    assert coerce(2, AT) == 2.0
    with pytest.raises(NodeError, match="`at` is `middle`"):
        coerce("middle", AT)
    with pytest.raises(NodeError, match="`at` is -1"):
        coerce(-1, AT)
    with pytest.raises(NodeError, match="takes number"):
        coerce("2", Param("at", NUMBER, "a time"))
