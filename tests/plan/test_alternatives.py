"""Lists of models against a recursion: who serves, who is asked, and that nobody is asked twice."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from oracle.lists import ANSWERS, Asked, Bench, Build, Said

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


@settings(max_examples=60, deadline=None)
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
