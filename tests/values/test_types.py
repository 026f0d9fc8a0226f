from __future__ import annotations

import pytest

from dagcontent.values.types import ANY, IMAGE, TEXT, Field, Type, list_of, record_of


@pytest.mark.parametrize(
    ("type_", "text"),
    [
        (TEXT, "text"),
        (ANY, "any"),
        (list_of(list_of(IMAGE)), "list<list<image>>"),
        (record_of(Field("a", TEXT), Field("b", list_of(TEXT), optional=True)), "record{a: text, b?: list<text>}"),
    ],
)
def test_types_read_as_in_the_documentation(type_: Type, text: str) -> None:
    """These words stand in every message about a wrong type."""
    assert str(type_) == text


def test_records_know_their_fields() -> None:
    """References are checked field by field before anything runs."""
    record = record_of(Field("a", TEXT))
    assert record.field("a") == Field("a", TEXT)
    assert record.field("b") is None


def test_only_media_are_artifacts() -> None:
    """What is an artifact goes to the CAS; the rest is data."""
    assert IMAGE.artifact
    assert not TEXT.artifact
    assert not list_of(IMAGE).artifact
