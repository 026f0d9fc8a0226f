from __future__ import annotations

from dagcontent.plan.typed import misfit
from dagcontent.values.types import ANY, BOOLEAN, IMAGE, INTEGER, NUMBER, TEXT, Field, Type, list_of, record_of


def test_what_does_not_fit_is_named_by_its_place() -> None:
    """A person corrects a long JSON by hand: the place is what they need."""
    scene = record_of(Field("id", TEXT), Field("n", INTEGER, optional=True))
    want = record_of(Field("scenes", list_of(scene)), Field("size", Type("text", choices=("wide", "close"))))
    good = {"scenes": [{"id": "a"}, {"id": "b", "n": 2}], "size": "wide"}
    assert misfit(good, want) == ""
    for value, said in [
        ({**good, "scenes": [{"id": "a"}, {"n": 2}]}, "scenes[1].id is missing"),
        ({**good, "scenes": [{"id": 3}]}, "scenes[0].id is 3, and text is wanted"),
        ({**good, "scenes": [{"id": "a", "n": 1.5}]}, "scenes[0].n is 1.5, and a whole number is wanted"),
        ({**good, "more": 1}, "more is no field of it: scenes, size"),
        ({**good, "size": "far"}, "size is 'far', and it is one of: wide, close"),
        ({**good, "scenes": {}}, "scenes is a table, and a list is wanted"),
        ([], "it is a list, and a table is wanted"),
        ({**good, "size": None}, "size is null, and text is wanted"),
    ]:
        assert misfit(value, want) == said
    assert misfit(True, NUMBER) == "it is true, and a number is wanted"
    assert misfit(1, BOOLEAN) == "it is 1, and true or false is wanted"
    assert misfit("x", IMAGE) == "it is the text 'x', and image is wanted"
    assert misfit(object, ANY) == ""
    assert misfit(2.0, INTEGER) == ""
