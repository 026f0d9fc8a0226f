"""Names of instances: what is put together can be taken apart, whatever a label holds."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from dagcontent.values.instances import instance_name, is_instance_name, node_of, parts_of

NAMES = st.from_regex(r"[a-z][a-z0-9_]{0,4}", fullmatch=True)
LABELS = st.one_of(
    st.sampled_from(["intro", "*", "take=0", "a]/b[", "it's", "a\\", "'", "]/", "].", "x,y"]),
    st.text(min_size=1, max_size=6),
)


@given(st.lists(st.tuples(NAMES, st.lists(LABELS, max_size=3)), min_size=1, max_size=4))
def test_a_name_says_which_node_it_is_of(parts: list[tuple[str, list[str]]]) -> None:
    """Plans, builds, the choices file and the command line all tell nodes from labels by the name alone."""
    node = "/".join(name for name, _ in parts)
    labels = [label for _, own in parts for label in own]
    name = instance_name(node, labels, [len(own) for _, own in parts[:-1]])
    assert node_of(name) == node
    assert is_instance_name(name)
    found = parts_of(name)
    assert found is not None
    assert "".join(part for part, _ in found) == node
    assert [inside is not None for _, inside in found] == [bool(own) for _, own in parts]
    assert "".join(part + ("" if inside is None else f"[{inside}]") for part, inside in found) == name


def test_labels_stand_at_the_part_that_they_are_of() -> None:
    """`ad[es]/clip[intro]` says which film, and which clip of it."""
    assert instance_name("ad/clip", ["es", "intro", "take=1"], (1,)) == "ad[es]/clip[intro,take=1]"
    assert instance_name("ad/sub/clip", ["es", "x y"], (1, 0)) == "ad[es]/sub/clip['x y']"
    assert instance_name("ad/sub.film", ["es", "x"], (1, 1)) == "ad[es]/sub.film[x]"
    assert instance_name("ad/best.judge", ["es", "x"], (1,)) == "ad[es]/best.judge[x]"
    assert instance_name("ad/clip", None, (0,)) == "ad/clip"
    assert node_of("ad[es]/best.judge[x]") == "ad/best.judge"


def test_other_text_is_no_name() -> None:
    """A slip of the pen in a choices file or a target is said, not guessed at."""
    assert [parts_of(text) for text in ("", "[x]", "A", "a[", "a]", "a[x]y", "/a", "a//b", "a['x]", "a b")] == [
        None
    ] * 10
    assert not is_instance_name("still[]")
