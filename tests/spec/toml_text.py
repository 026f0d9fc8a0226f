"""Random TOML documents as text, in every layout the language allows. Valid but for names that meet by chance."""

from __future__ import annotations

from hypothesis import strategies as st

_BLANK = st.sampled_from(["", " ", "  ", "\t"])
_GAP = st.sampled_from(["", " ", "\n", "\n  ", " # c ]}\n", "\n\n\t"])
_CHARS = st.characters(exclude_categories=["Cs", "Cc"])
_ESCAPES = st.sampled_from([r"\n", r"\t", r"\"", r"\\", r"\u00e4", r"\U0001F600", r"\x41", r"\e", r"\b"])

_basic = st.lists(
    st.one_of(st.text(_CHARS, max_size=4).filter(lambda t: not set(t) & set('"\\')), _ESCAPES), max_size=4
)
basic = _basic.map(lambda parts: f'"{"".join(parts)}"')
literal = st.text(_CHARS, max_size=6).filter(lambda t: "'" not in t).map(lambda t: f"'{t}'")
_long_parts = st.lists(
    st.one_of(
        st.text(_CHARS, max_size=4).filter(lambda t: not set(t) & set('"\\')),
        _ESCAPES,
        st.sampled_from(["\n", "\\\n  ", "\\  \n\n ", '"', '""', "'", "#", "]"]),
    ),
    max_size=5,
)
long_basic = _long_parts.map(lambda parts: '"""' + "x".join(parts) + '"""')
long_literal = st.lists(st.sampled_from(["a", "\n", "\\", '"', "'x", "''x", "ß", "[", "#"]), max_size=6).map(
    lambda parts: "'''" + "".join(parts) + "'''"
)
strings = st.one_of(basic, literal, long_basic, long_literal)
numbers = st.one_of(
    st.integers(-(10**6), 10**6).map(str),
    st.sampled_from(["0xDEAD_beef", "0o17", "0b101", "1_000", "+1", "-0", "1.5", "-2e10", "6.02_2E+23", "inf", "-inf"]),
)
dates = st.sampled_from([
    "1979-05-27", "1979-05-27T07:32:00Z", "1979-05-27 07:32:00", "1979-05-27T00:32:00.999999-07:00", "07:32:00",
    "07:32", "1979-05-27t07:32:00.5",
])  # fmt: skip
scalars = st.one_of(strings, numbers, dates, st.sampled_from(["true", "false"]))
bare = st.text("abXY019_-", min_size=1, max_size=3)
parts = st.one_of(bare, bare, basic, literal)


@st.composite
def keys(draw: st.DrawFn, most: int = 3) -> str:
    """A key, dotted or not."""
    text = draw(parts)
    for _ in range(draw(st.integers(0, most - 1))):
        text += draw(_BLANK) + "." + draw(_BLANK) + draw(parts)
    return text


@st.composite
def _lists(draw: st.DrawFn, inner: st.SearchStrategy[str]) -> str:
    items = draw(st.lists(inner, max_size=4))
    text = "[" + draw(_GAP)
    for position, item in enumerate(items):
        text += item + draw(_GAP)
        if position < len(items) - 1 or draw(st.booleans()):
            text += "," + draw(_GAP)
    return text + "]"


@st.composite
def _tables(draw: st.DrawFn, inner: st.SearchStrategy[str]) -> str:
    pairs = draw(st.lists(st.tuples(keys(2), inner), max_size=3))
    text = "{" + draw(_GAP)
    for position, (key, value) in enumerate(pairs):
        text += key + draw(_BLANK) + "=" + draw(_BLANK) + value + draw(_GAP)
        if position < len(pairs) - 1 or draw(st.booleans()):
            text += "," + draw(_GAP)
    return text + "}"


values = st.recursive(scalars, lambda inner: st.one_of(_lists(inner), _tables(inner)), max_leaves=6)
_FEW = st.lists(st.sampled_from(["p", "q"]), min_size=1, max_size=3).map(".".join)
_END = st.sampled_from(["", "  ", " # comment", "\t#x = [1"])


@st.composite
def _pairs(draw: st.DrawFn) -> str:
    return draw(_BLANK) + draw(keys()) + draw(_BLANK) + "=" + draw(_BLANK) + draw(values) + draw(_END)


@st.composite
def documents(draw: st.DrawFn) -> str:
    """A document: keys at the root, then tables and arrays of tables with theirs."""
    lines: list[str] = []
    for section in range(draw(st.integers(0, 5)) + 1):
        if section:
            form = draw(st.sampled_from(["[{}]", "[[{}]]"]))
            name = draw(st.one_of(_FEW, _FEW, keys()))  # few names: tables inside elements of arrays of tables
            lines.append(form.format(draw(_BLANK) + name + draw(_BLANK)) + draw(_END))
        lines.extend(draw(st.lists(_pairs(), max_size=3)))
        if draw(st.booleans()):
            lines.append(draw(st.sampled_from(["", "# [x]", "   "])))
    return draw(st.sampled_from(["", "\n", "# first\n"])) + "\n".join(lines) + draw(st.sampled_from(["", "\n"]))
