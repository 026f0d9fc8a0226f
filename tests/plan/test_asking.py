"""Lists of models against a recursion: who serves, who is asked, and that nobody is asked twice."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from oracle.lists import ANSWERS, Asked, Bench, Build, Said
from oracle.little import Little

from dagcontent.values.quote import Quote

MODELS = "abcd"
EVERY = [Asked(model, sample) for model in MODELS for sample in range(3)]
BUILDS = st.builds(
    Build,
    models=st.permutations(MODELS).flatmap(lambda all_: st.integers(1, 4).map(lambda n: tuple(all_[:n]))),
    reroll=st.integers(0, 2),
    then=st.sampled_from(["fallback", "fallback", "fail", "skip"]),
    retry=st.booleans(),
)
WORLDS = st.fixed_dictionaries({one: st.sampled_from(ANSWERS) for one in EVERY})


def outcome(unit: Any) -> str:
    """Return what became of a unit, in the recursion's words."""
    if unit.status.value in {"ran", "hit"}:
        return f"ok {unit.manifest.model.rpartition('/')[2]} {unit.manifest.reroll}"
    return str(unit.status.value)


@settings(max_examples=250, deadline=None)
@given(st.lists(st.tuples(BUILDS, WORLDS), min_size=1, max_size=5))
def test_any_history_of_lists_and_answers_is_the_recursions(history: list[tuple[Build, dict[Asked, str]]]) -> None:
    """Who serves and who is asked, in order, whatever was edited and answered; and the plan says who is asked first."""
    bench, said = Bench(), Said()
    for build, answers in history:
        row = bench.plan(build)
        unit, calls = bench.build(build, answers)
        expected, asked = said.build(build, answers)
        assert (outcome(unit), calls) == (expected, asked)
        if row.status == "run":
            first = calls[:1] or [None]
            assert first == [None] or row.model == f"openrouter/x/{first[0].model}"
            assert {one.model for one in calls} <= {name.rpartition("/")[2] for name in (row.model, *row.fallbacks)}
        else:
            assert calls == []
        if expected.startswith("ok"):
            plain = Build(build.models, build.reroll, build.then)
            assert bench.build(plain, answers)[1] == [], "a second build asks nobody"
            longer = (*build.models, *(m for m in MODELS if m not in build.models))
            assert bench.build(Build(longer, build.reroll, build.then), answers)[1] == [], (
                "a fallback more costs nothing"
            )


PRICED = (
    "fal/fal-ai/flux/dev",
    "openai/gpt-image-2",
    "google/gemini-3.1-flash-image",
    "openrouter/google/gemini-3.1-flash-image",
)


@settings(max_examples=60, deadline=None)
@given(
    st.permutations(PRICED).flatmap(lambda every: st.integers(1, 4).map(lambda n: every[:n])),
    st.integers(0, 2),
    st.data(),
)
def test_the_most_of_a_plan_holds_all_that_refusals_may_cost(
    models: list[str], reroll: int, data: st.DataObject
) -> None:
    """Every request charged at its most, refused until the last: never more than was agreed to. The least is the cheapest's,
    likely is the first's; and no instance costs more than its ceiling.
    """
    alone = [quote_of(listed([model], reroll=0)) for model in models]
    quote = quote_of(listed(models, reroll=reroll))
    assert quote.low == min(one.low for one in alone)
    assert quote.expected == alone[0].expected
    highs = [one.high for one in alone]
    assert None not in highs
    assert quote.high == sum(high * (reroll + 1) for high in highs if high is not None)
    most = data.draw(st.integers(highs[0] or 0, 400_000))
    bounded = quote_of(listed(models, reroll=reroll, max_cost_usd=most / 1_000_000))
    assert bounded.high is not None
    assert bounded.high <= most


def listed(models: list[str], *, reroll: int, **more: Any) -> str:
    """Return a graph of one node that is made by one of these."""
    keys = "".join(f"{key} = {value:.6f}\n" for key, value in more.items())
    names = ", ".join(f'"{model}"' for model in models)
    return (
        f'[node.it]\nkind = "image.generate"\nmodel = [{names}]\nprompt = "a hare"\naspect = "1:1"\n{keys}'
        f"on_block = {{ reroll = {reroll} }}\n"
    )


def quote_of(text: str) -> Quote:
    """Return what a plan says of the one node."""
    (row,) = Little(text).plan().rows
    assert row.price is not None, row
    return row.price.quote


def test_what_depends_on_content_may_be_served_by_any_model_of_a_list() -> None:
    """`run` means that no earlier result can serve: what a fallback made of other words may be what it is asked for again."""
    bench = Bench()
    answers = dict.fromkeys(EVERY, "ok") | {Asked("a", 0): "invalid"}
    assert bench.build(Build(("a", "b")), answers)[1] == [Asked("a", 0), Asked("b", 0)]
    above = '[node.words]\nkind = "text.generate"\nmodel = "local/outline"\nprompt = "x"\n'
    for models, status in ((("a", "b"), "maybe"), (("c", "b"), "maybe"), (("a", "c"), "run")):
        text = above + Build(models).graph().replace('"a hare"', '"${words}"')
        rows = {row.node: row for row in bench.plan_of(text)}
        assert (rows["words"].status, rows["it"].status) == ("run", status), models
