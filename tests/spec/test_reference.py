"""Every form of the reference grammar, and what is none."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dagcontent.spec.model import Arg, Bracket, FieldStep, PathArg, Ref, Template
from dagcontent.spec.reference import Problem, parse, parse_need

F = FieldStep


def B(*values: object) -> Bracket:  # noqa: N802 - short on purpose: the table below is read as a table
    """Brackets."""
    return Bracket(tuple(value if isinstance(value, Arg) else Arg(value) for value in values))  # type: ignore[arg-type]


def P(*parts: str, offset: int = 0) -> PathArg:  # noqa: N802
    """A path in brackets."""
    return PathArg(parts, offset)


FORMS = [
    ("params.x", "params", (F("x"),)),
    ("params.x.y[0]", "params", (F("x"), F("y"), B(0))),
    ("script", "script", ()),
    ("script.scenes[0].title", "script", (F("scenes"), B(0), F("title"))),
    ("script['Shot type']", "script", (B("Shot type"),)),
    ("script['a}b']['${c}']", "script", (B("a}b"), B("${c}"))),
    ("outline.chapters[*].title", "outline", (F("chapters"), B(None), F("title"))),
    ("voice.duration", "voice", (F("duration"),)),
    ("scene", "scene", ()),
    ("scene.picture", "scene", (F("picture"),)),
    ("prev.scene.text", "prev", (F("scene"), F("text"))),
    ("next.scene.text", "next", (F("scene"), F("text"))),
    ("index.scene", "index", (F("scene"),)),
    ("label.scene", "label", (F("scene"),)),
    ("each.scene", "each", (F("scene"),)),
    ("still[scene]", "still", (B(P("scene")),)),
    ("still[scene, take]", "still", (B(P("scene"), P("take")),)),
    ("still[scene,take]", "still", (B(P("scene"), P("take")),)),
    ("still[ scene , take ]", "still", (B(P("scene"), P("take")),)),
    ("tail[scene-1]", "tail", (B(P("scene", offset=-1)),)),
    ("tail[scene - 1].duration", "tail", (B(P("scene", offset=-1)), F("duration"))),
    ("still[0]", "still", (B(0),)),
    ("still['intro']", "still", (B("intro"),)),
    ("frame[cut, format='9x16']", "frame", (B(P("cut"), Arg("9x16", "format")),)),
    ("hero[shot.cast]", "hero", (B(P("shot", "cast")),)),
    ("params.voices[line.speaker]", "params", (F("voices"), B(P("line", "speaker")))),
    ("notes[index.page]", "notes", (B(P("index", "page")),)),
    ("still[*]", "still", (B(None),)),
    ("still[*, 'x', 3].width", "still", (B(None, "x", 3), F("width"))),
]


@pytest.mark.parametrize(("inner", "root", "steps"), FORMS, ids=[form[0] for form in FORMS])
def test_every_form_of_the_table_is_read(inner: str, root: str, steps: tuple[object, ...]) -> None:
    """The table in the language's description is the promise; each row is read as it says."""
    problems: list[Problem] = []
    text = f"${{{inner}}}"
    parsed = parse(text, problems)
    assert problems == []
    assert isinstance(parsed, Template)
    assert parsed.whole == Ref(text, root, steps, 0, len(text))  # type: ignore[arg-type]


NONE = [
    "${}", "${ a}", "${a }", "${a", "${a.}", "${a.0}", "${a.*}", "${a[}", "${a[]}", "${a[b}", "${a[1", "${a[b-2]}",
    "${a[b+1]}", "${a[-1]}", "${a[b.c-1]}", '${a["b"]}', "${a['b]}", "${a[b=c]}", "${a[b.c='d']}", "${a[9x16]}",
    "${a[b[c]]}", "${a[f(x)]}", "${f(x)}", "${a+b}", "${a|b}", "${a b}", "${1}", "${a-b}", "${'a'}", "${params}",
    "${prev[0]}", "${a[b,]}", "${a[99999999999]}", "${a..b}", "${${a}}", "${a[1.5]}", "${a[b c]}", "${a\n}",
]  # fmt: skip


@pytest.mark.parametrize("text", NONE)
def test_what_is_no_reference_is_one_problem_inside_the_text(text: str) -> None:
    """A caret must have something to stand under, and one fault is one message."""
    problems: list[Problem] = []
    parse(text, problems)
    assert len(problems) == 1
    (problem,) = problems
    assert 0 <= problem.start < problem.end <= len(text)
    assert problem.message


names = st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,4}", fullmatch=True)
labels = st.text(st.characters(exclude_characters="'", exclude_categories=["Cs"]), max_size=5)
paths = st.lists(names, min_size=1, max_size=3).map(tuple)
args = st.one_of(
    st.builds(Arg, st.integers(0, 10**6)),
    st.builds(Arg, labels),
    st.just(Arg(None)),
    st.builds(lambda parts: Arg(PathArg(parts)), paths),
    st.builds(lambda name: Arg(PathArg((name,), -1)), names),
    st.builds(Arg, labels, names),
)
steps_ = st.lists(
    st.one_of(st.builds(FieldStep, names), st.lists(args, min_size=1, max_size=3).map(lambda a: Bracket(tuple(a)))),
    max_size=4,
)
plain = st.text(st.characters(exclude_categories=["Cs"]), max_size=8).filter(lambda text: "${" not in text)


def written(part: str | tuple[str, list[FieldStep | Bracket]]) -> str:
    """Write a part of a template as a person would."""
    if isinstance(part, str):
        return part.replace("${", "$${")
    root, steps = part
    return "${" + root + "".join(map(_step, steps)) + "}"


def _step(step: FieldStep | Bracket) -> str:
    return f".{step.name}" if isinstance(step, FieldStep) else f"[{', '.join(map(_arg, step.args))}]"


def _arg(arg: Arg) -> str:
    value = arg.value
    if isinstance(value, PathArg):
        return ".".join(value.parts) + ("-1" if value.offset else "")
    text = "*" if value is None else f"'{value}'" if isinstance(value, str) else str(value)
    return f"{arg.name}={text}" if arg.name else text


@given(st.lists(st.one_of(plain, st.tuples(names, steps_)), max_size=5))
def test_what_is_written_is_what_is_read(parts: list[str | tuple[str, list[FieldStep | Bracket]]]) -> None:
    """Reading is the inverse of writing, for any mixture of text and references."""
    words = {"params", "prev", "next", "index", "label", "each"}
    for part in parts:
        if not isinstance(part, str) and part[0] in words and not (part[1] and isinstance(part[1][0], FieldStep)):
            return
    # A `$` right before a reference would make it literal: that is the grammar, not a fault of reading.
    if any(isinstance(a, str) and a.endswith("$") and not isinstance(b, str) for a, b in pairwise(parts)):
        return
    text = "".join(map(written, parts))
    if text.count("${") != sum(not isinstance(part, str) for part in parts) + sum(
        written(part).count("${") - 1 for part in parts if not isinstance(part, str)
    ):
        return  # two texts met and made a `${` between them
    problems: list[Problem] = []
    parsed = parse(text, problems)
    assert problems == []
    refs = [part for part in (parsed.parts if isinstance(parsed, Template) else ()) if isinstance(part, Ref)]
    assert [(ref.root, list(ref.steps)) for ref in refs] == [(p[0], p[1]) for p in parts if not isinstance(p, str)]
    assert all(text[ref.start : ref.end] == ref.text for ref in refs)


@given(st.text(st.sampled_from("${}[].'*-=, ab0\n(\"")))
def test_any_text_is_read_or_refused_with_places_inside_it(text: str) -> None:
    """No input may break the reader, and a place outside the text could not be shown."""
    problems: list[Problem] = []
    parsed = parse(text, problems)
    assert all(0 <= p.start < p.end <= len(text) for p in problems)
    if "${" not in text:
        assert parsed == text
    parse_need(text, problems)


def test_dollar_brace_can_be_written_literally() -> None:
    """Templates of other languages are data here: `$${` stands for `${` wherever it is."""
    assert parse("a $${b} $5 $", []) == "a ${b} $5 $"
    parsed = parse("$${a}${b}$${c}", [])
    assert isinstance(parsed, Template)
    assert parsed.parts == ("${a}", Ref("${b}", "b", (), 5, 9), "${c}")


def test_one_text_reports_all_its_references() -> None:
    """All mistakes of one pass: the second bad reference is not hidden by the first, nor the good one between."""
    problems: list[Problem] = []
    parsed = parse("${a b} ${c} ${d[}", problems)
    assert [p.start for p in problems] == [3, 16]
    assert isinstance(parsed, Template)
    assert [part.root for part in parsed.parts if isinstance(part, Ref)] == ["c"]


def test_a_text_full_of_broken_references_is_not_read_for_ever() -> None:
    """Each look ahead reads the rest of the text, so their number is bounded."""
    problems: list[Problem] = []
    parse("${" * 1_000_000, problems)
    assert len(problems) <= 20


def test_needs_are_names_with_brackets_at_most() -> None:
    """`needs` orders, it takes no value: a path into one is a mistake."""
    assert parse_need("ok", []) == Ref("ok", "ok", (), 0, 2)
    assert parse_need("ok[scene]", []) == Ref("ok[scene]", "ok", (B(P("scene")),), 0, 9)
    for text in ("${ok}", "ok.x", "ok ", "ok[", "", "1", "ok-1"):
        problems: list[Problem] = []
        assert parse_need(text, problems) is None
        assert len(problems) == 1
