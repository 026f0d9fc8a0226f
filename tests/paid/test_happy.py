from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path

import av
import pytest
from oracle.paid import ROWS, Bench, Row, graph_of, only
from PIL import Image

from dagcontent import api
from dagcontent.catalog.load import models
from dagcontent.providers.registry import VENDORS

TOLD: Mapping[str, set[str]] = {
    "image": {"width", "height", "size_bytes"},
    "audio": {"duration_ms", "sample_rate", "channels", "size_bytes"},
    "video": {"width", "height", "fps", "duration_ms", "size_bytes"},
    "text": {"size_bytes"},
    "json": {"size_bytes"},
}
ELSEWHERE = {("google", "vertex.video"), ("openai", "responses")}
"""Operations that this configuration has no road to (Vertex wants a project), or whose models have all ended."""


def decoded(path: Path, output: str) -> bool:
    """Whether a file can be read to its end as what it is to be."""
    if output == "image":
        with Image.open(path) as picture:
            picture.load()
            return min(picture.size) > 0
    if output in {"audio", "video"}:
        with av.open(path) as container:
            return sum(1 for _ in container.decode(**{output: 0})) > 0
    text = path.read_text(encoding="utf-8")
    return bool(json.loads(text)["text"] if output == "json" else text.strip())


def test_the_table_has_every_operation_that_can_be_bought() -> None:
    """A new operation of a vendor comes with its row here, or these proofs are not about it."""
    offered = {(name, op) for name in VENDORS for model in models(name) for op in model.operations.values()}
    assert offered - {(row.vendor, row.operation) for row in ROWS} == ELSEWHERE


@pytest.mark.slow
@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_what_is_asked_for_is_bought_once(bench: Callable[[str], Bench], row: Row) -> None:
    """One charge, a result of its type that can be read; then no request at all, with the memo of the last build or
    without; an edit buys exactly one more, and what it took the place of is still there.
    """
    one = bench(graph_of(row))
    result = one.build()
    assert result.status == "ok", only(result)
    assert (only(result).status, only(result).paid) == ("ran", True)
    (charge,) = one.charges()
    assert charge.vendor == row.vendor
    assert [request["operation"] for request in one.posts()] == [charge.operation]
    ((_, path),) = result.outputs
    assert decoded(Path(path), row.output)
    assert TOLD[row.output] <= set(result.facts[path])
    if row.operation in {"speech", "dialogue"} and row.vendor == "elevenlabs":
        words = [span["text"] for span in result.facts[path]["alignment"]]
        assert words == (["a", "hare"] if row.operation == "speech" else ["a", "hare", "No."])
    came = len(one.vendors.requests())
    again = [one.build(), one.build(seams=api.Seams())]
    assert [(made.status, only(made).status) for made in again] == [("ok", "hit")] * 2
    assert len(one.vendors.requests()) == came
    one.write(graph_of(row, edited=True))
    assert only(one.build()).status == "ran"
    assert len(one.charges()) == 2
    one.write(graph_of(row))
    assert only(one.build()).status == "hit"
    assert (len(one.charges()), len(one.posts())) == (2, 2)
