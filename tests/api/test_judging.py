"""Selections by judges and metrics, built: the best is given whatever the order, and nobody is asked twice."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from oracle.judges import Panel

from dagcontent import api
from dagcontent.errors import UsageError
from dagcontent.plan.action import Sample, seed_of

TEXTS = [f"text {letter}" + "x" * (number % 3) for number, letter in enumerate("abcdefgh")]
scores = st.fixed_dictionaries({text: st.integers(0, 18).map(lambda n: n / 2) for text in TEXTS})
lists = st.lists(st.sampled_from(TEXTS), min_size=1, max_size=6)


def graph(texts: list[str], more: str = "", nodes: str = "", by: str = "judge") -> str:
    """Return a graph that chooses among texts."""
    judge = 'rubric = "good"\nmodel = "local/outline"\n' if by == "judge" else ""
    return (
        f'[graph]\nname = "g"\n[node.best]\nkind = "select"\nfrom = {json.dumps(texts)}\nby = "{by}"\n{judge}{more}\n'
        f'[node.said]\nkind = "text.template"\ntext = "${{best}}"\n{nodes}'
    )


class Bench:
    """A graph, its store and a panel of judges."""

    def __init__(self, folder: Path, panel: Panel) -> None:
        self.path, self.store, self.panel = folder / "g.toml", folder / "store", panel
        self.promised = 0

    def build(self, text: str, **options: Any) -> Any:
        """Write a graph and build it. What a plan said before is held against what was asked."""
        self.path.write_text(text, encoding="utf-8")
        if not options and "takes" not in text:
            rows = api.plan(self.path, store=self.store).rows
            self.promised = sum(row.status == "run" for row in rows if "judge" in row.node)
        seams = api.Seams(registry=self.panel.registry())
        return api.build(self.path, store=self.store, seams=seams, **options)

    def value(self, node: str) -> Any:
        """Return what a node is."""
        return api.show(self.path, node, store=self.store).value

    def asked(self) -> list[list[str]]:
        """Return the questions since the last call."""
        found, self.panel.asked = self.panel.asked, []
        return found


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    """A bench whose judges like what comes late in the alphabet."""
    return Bench(tmp_path, Panel({text: float(number) for number, text in enumerate(TEXTS)}))


@pytest.mark.slow
@given(scores, lists, st.integers(1, 3), st.none() | st.integers(0, 5), st.none() | st.integers(1, 4), st.randoms())
@settings(max_examples=12)
def test_the_best_is_given_whatever_the_order(
    table: dict[str, float], texts: list[str], judges: int, seed: int | None, top: int | None, random_: Any
) -> None:
    """The promise: by any scores, seeds, judges and orders it is the best that comes out; and another order, like another node
    beside it, asks nobody.
    """
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(Path(folder), Panel(table))
        more = f"judges = {judges}\n"
        more += "" if seed is None else f"seed = {seed}\n"
        more += "" if top is None else f"top = {top}\n"
        seeds = [seed_of(seed, Sample(take)) for take in range(judges)]

        def right(there: list[str]) -> Any:
            order = bench.panel.best(there, seeds)
            if len(set(there)) == 1:
                order = list(range(len(there)))
            return there[order[0]] if top is None else [there[position] for position in order[:top]]

        assert bench.build(graph(texts, more)).status == "ok"
        assert bench.value("best") == right(texts)
        asked = bench.asked()
        assert len(asked) == bench.promised == (judges if len(set(texts)) > 1 else 0)
        assert all(sorted(one) == sorted(set(texts)) for one in asked)
        mixed = list(texts)
        random_.shuffle(mixed)
        aside = '[node.aside]\nkind = "text.template"\ntext = "aside"\n'
        bench.build(graph(mixed, more, aside))
        assert bench.value("best") == right(mixed)
        bench.build(graph([*mixed, mixed[0]], more))
        assert (bench.asked(), bench.promised) == ([], 0)


def test_another_candidate_is_another_question_and_going_back_is_free(bench: Bench) -> None:
    """A judge sees all candidates at once: with one more it is asked anew. Each question stays answered."""
    bench.build(graph(TEXTS[:2]))
    bench.build(graph(TEXTS[:3]))
    assert [len(one) for one in bench.asked()] == [2, 3]
    assert bench.value("best") == TEXTS[2]
    bench.build(graph(TEXTS[:2]))
    assert (bench.asked(), bench.value("best")) == ([], TEXTS[1])
    bench.build(graph(TEXTS[:2], "judges = 3"))
    assert len(bench.asked()) == 2  # the first judge's answer is there


def test_a_pick_that_fits_is_not_judged(bench: Bench) -> None:
    """A person's word comes first: nobody is paid for an opinion that does not count. When it fits no more, the judge is asked."""
    bench.path.write_text(graph(TEXTS[:3]), encoding="utf-8")
    api.pick(bench.path, "best", "#0", store=bench.store)
    assert bench.build(graph(TEXTS[:3])).status == "ok"
    assert (bench.asked(), bench.value("best")) == ([], TEXTS[0])
    assert [row.node for row in api.plan(bench.path, store=bench.store).rows] == []
    bench.build(graph(TEXTS[:4]))
    assert (len(bench.asked()), bench.value("best")) == (1, TEXTS[3])


def test_facts_of_a_selection(bench: Bench) -> None:
    """Label, place and score are the selection's, of texts too; they enter the key of who uses them alone."""
    nodes = (
        '[node.line]\nkind = "text.generate"\nmodel = "local/outline"\ntakes = 3\nprompt = "${index.take} takes"\n'
        '[node.top]\nkind = "select"\nfrom = "${line}"\nby = "metric"\nscores = [1, 5.5, 3]\n'
        '[node.few]\nkind = "select"\nfrom = ["${line}", "${best}"]\nby = "metric"\nscores = [[1, 3], 4, [[3]], 2]\ntop = 9\n'
        '[node.first]\nkind = "select"\nfrom = "${line}"\nby = "first"\n'
        '[node.facts]\nkind = "text.template"\n'
        'text = "${top.label} ${top.position} ${top.score} ${top.characters}, ${few.label} ${few[*].score} ${few[0].position}, '
        '${first.label}${first.score}, ${best.score}"\n'
    )
    assert bench.build(graph(TEXTS[:2], nodes=nodes)).status == "ok"
    assert bench.value("facts") == "1 1 5.5 7, 1\n2\n0\nbest [4.0, 3.0, 2.0, 2.0] 1, 0, 1"
    assert bench.value("few") == ["1 takes", "2 takes", "0 takes", TEXTS[1]]


@pytest.mark.parametrize(
    ("given_scores", "said"),
    [
        ("[1, 2]", "`scores` has 2 scores, and there are 3 candidates"),
        ("[[1, 2], [3]]", ""),
        ("[1, 2, true]", "a score is a number, and this is True"),
        ('[1, 2, "high"]', "a score is a number, and this is 'high'"),
        ("[[], 1, 2]", "a score is a number, and this is missing"),
    ],
)
def test_scores_are_one_for_each(bench: Bench, given_scores: str, said: str) -> None:
    """Numbers from elsewhere that do not fit the candidates must not choose one of them by chance."""
    result = bench.build(graph(TEXTS[:3], f"scores = {given_scores}", by="metric"))
    assert result.status == ("failed" if said else "ok")
    assert said in {one.error for one in result.nodes if one.node == "best"} | {""}


def test_an_answer_that_does_not_fit_fails_and_a_reroll_mends_it(bench: Bench) -> None:
    """What was paid for stays, and says what is wrong with it; another sample is one command away, and named."""
    bench.panel.answer = lambda answer: {**answer, "candidate_2": {"score": 11, "reason": ""}}
    result = bench.build(graph(TEXTS[:3]))
    (failed,) = [one for one in result.nodes if one.status == "failed"]
    assert (result.status, failed.node) == ("failed", "best")
    assert failed.error == "best.judge: the answer gives candidate 2 of 3 the score 11, and it goes from 0 to 10"
    assert failed.hint == "dagcontent reroll GRAPH 'best.judge' has it asked once more"
    bench.panel.answer = lambda answer: answer
    assert bench.build(graph(TEXTS[:3])).status == "failed"
    api.reroll(bench.path, ["best.judge"], store=bench.store)
    assert bench.build(graph(TEXTS[:3])).status == "ok"
    assert [len(one) for one in bench.asked()] == [3, 3]
    (takes,) = api.takes(bench.path, "best.judge", store=bench.store)
    assert [row.reroll for row in takes.rows] == [1, 0]


def test_what_was_said_of_each_is_shown(bench: Bench) -> None:
    """Why one was chosen is asked of the selection, in its own order, not of an answer with numbers of its own."""
    bench.build(graph(TEXTS[:3]))
    found = api.show(bench.path, "best", store=bench.store)
    assert found.chosen == (2,)
    assert [(one.position, one.score, one.reasons) for one in found.candidates] == [
        (number, float(number), (f"about {TEXTS[number]}",)) for number in range(3)
    ]


def test_only_one_can_be_picked_of_one_and_an_answer_cannot_be_pinned(bench: Bench) -> None:
    """A decision that could not be obeyed is refused when it is made, with what can be decided."""
    bench.build(graph(TEXTS[:3], "top = 2"))
    with pytest.raises(UsageError, match="`best` gives its best few"):
        api.pick(bench.path, "best", "#0", store=bench.store)
    with pytest.raises(UsageError, match="an answer about other candidates cannot stay"):
        api.pin(bench.path, ["best.judge"], store=bench.store)
    bench.path.with_name("g.choices.toml").write_text(f'[node.best]\npick = "sha256:{"a" * 64}"\n', encoding="utf-8")
    with pytest.raises(Exception, match="mistake"):
        api.load(bench.path)


def test_in_a_plan_a_judge_may_be_asked_until_its_candidates_are_there(bench: Bench) -> None:
    """What is to be compared may turn out the same: the judge is a `maybe`, and `run` once it is certain."""
    nodes = (
        '[node.line]\nkind = "text.generate"\nmodel = "local/outline"\ntakes = 2\nprompt = "text ${label.take}"\n'
        '[node.of]\nkind = "select"\nfrom = "${line}"\nby = "judge"\nmodel = "local/outline"\nrubric = "r"\n'
    )
    text = graph(TEXTS[:1], nodes=nodes)
    bench.path.write_text(text, encoding="utf-8")

    def rows() -> dict[str, str]:
        return {row.node: row.status for row in api.plan(bench.path, store=bench.store).rows}

    assert rows() == {"line[take=0]": "run", "line[take=1]": "run", "of.judge": "maybe"}
    bench.panel.scores = {"text 0": 1, "text 1": 2}
    bench.build(text, targets=["line"])
    assert rows() == {"line[take=0]": "hit", "line[take=1]": "hit", "of.judge": "run"}
    bench.build(text)
    assert set(rows().values()) == {"hit"}


def test_a_draft_is_judged_by_a_stand_in(bench: Bench) -> None:
    """Without a model and without money one sees where the choice goes."""
    text = graph(TEXTS[:3]).replace('model = "local/outline"', 'model = "google/gemini-3.8-flash"')
    assert bench.build(text, profile="draft").status == "ok"
    assert len(bench.asked()) == 1
    assert bench.build(text.replace('model = "google/gemini-3.8-flash"', ""), profile="draft").status == "ok"
    assert bench.asked() == []


def test_a_candidate_that_failed_is_left_out_where_it_may_be(bench: Bench) -> None:
    """One take that cannot be made must not keep the others from being judged; facts are those of who is left."""
    nodes = (
        '[node.line]\nkind = "text.template"\neach = "n"\ntext = "${n}"\n'
        '[node.cut]\nkind = "json.get"\neach = "n"\njson = "${params.table}"\npath = "${line[n]}"\n'
        '[node.of]\nkind = "select"\nfrom = "${cut}"\noptional = "from"\nby = "judge"\nmodel = "local/outline"\n'
        'rubric = "r"\n[node.facts]\nkind = "text.template"\ntext = "${of} ${of_text.position} ${of_text.label}"\n'
        '[node.of_text]\nkind = "select"\nfrom = "${say}"\noptional = "from"\nby = "judge"\nmodel = "local/outline"\n'
        'rubric = "r"\n[node.say]\nkind = "text.template"\neach = "n"\ntext = "${cut[n]}"\n'
        f'[params.table]\na = "{TEXTS[0]}"\nc = "{TEXTS[2]}"\n[each]\nn = ["a", "b", "c"]\n'
    )
    result = bench.build(graph(TEXTS[:1], nodes=nodes))
    assert {one.node for one in result.nodes if one.status in {"failed", "blocked"}} == {"cut[b]", "say[b]"}
    assert bench.value("facts") == f"{TEXTS[2]} 1 c"
    assert bench.asked()[0] in ([TEXTS[0], TEXTS[2]], [TEXTS[2], TEXTS[0]])
