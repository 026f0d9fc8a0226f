"""Judges that are paid: each question once, with what it is about in it. The judge of that is the vendors' ledger."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from oracle.paid import Bench, spending

from dagcontent import api
from dagcontent.errors import DagcontentError

TWO = '["${still[scene, take=0]}", "${still[scene, take=1]}"]'
GRAPH = """
[graph]
name = "judged"
[each]
scene = ["sun", "moon"]
[node.still]
kind = "image.generate"
model = "fal/fal-ai/flux/dev"
each = "scene"
takes = 2
prompt = "${scene}"
size = "64x64"
[node.product]
kind = "image.generate"
model = "local/card"
prompt = "a lantern"
size = "64x64"
[node.best]
kind = "select"
each = "scene"
from = TWO
by = "judge"
rubric = "the ${scene} is clearly visible"
references = "${product}"
model = "google/gemini-3.8-flash"
max_tokens = 2000
[node.said]
kind = "text.template"
each = "scene"
text = "${best[scene].label} ${best[scene].score}"
""".replace("from = TWO", f"from = {TWO}")


def judged(one: Bench) -> list[dict[str, Any]]:
    """Return the requests that judges were sent."""
    return [a.intent.request for a in one.attempts() if a.intent.provider == "google"]


def chosen(one: Bench) -> list[str]:
    """Return the digests of what is given."""
    realms = spending(one.vendors).realms
    names = ("best[sun]", "best[moon]")
    return [api.show(one.graph, name, store=one.store, realms=realms).artifacts[0].digest for name in names]


@pytest.mark.slow
def test_a_judge_is_paid_once_for_a_question(bench: Callable[[str], Bench]) -> None:
    """The real SDK sends the reference and both candidates and gets scores that fit. Another order and a node beside it buy
    nothing; another take asks anew; a person's pick is not judged.
    """
    one = bench(GRAPH)
    realms = spending(one.vendors).realms
    rows = [row for row in api.plan(one.graph, store=one.store, realms=realms).rows if "judge" in row.node]
    assert [(row.node, row.status) for row in rows] == [("best.judge[sun]", "maybe"), ("best.judge[moon]", "maybe")]
    result = one.build()
    assert result.status == "ok", [(node.node, node.error) for node in result.nodes if node.error]
    charges = [charge for charge in one.charges() if charge.vendor == "google"]
    assert len(charges) == len(judged(one)) == 2
    assert all(
        0 < (charge.microusd or 0) <= (row.most_microusd or 0) for charge, row in zip(charges, rows, strict=True)
    )
    given, posts = chosen(one), len(one.posts())
    mixed = GRAPH.replace(TWO, '["${still[scene, take=1]}", "${still[scene, take=0]}"]')
    one.write(mixed.replace("[node.said]", '[node.aside]\nkind = "text.template"\ntext = "x"\n[node.said]'))
    assert one.build().counts["ran"] == 0
    assert (chosen(one), len(one.posts())) == (given, posts)
    one.write(GRAPH.replace("takes = 2", "takes = 3").replace(TWO, '"${still[scene]}"'))
    assert api.build(one.graph, ["still"], store=one.store, spending=spending(one.vendors)).counts["ran"] == 2
    api.pick(one.graph, "best[sun]", "#2", store=one.store, realms=realms)
    assert [n.node for n in one.build().nodes if n.status == "ran"] == ["best.judge[moon]"]
    assert len(judged(one)) == 3


@pytest.mark.slow
def test_a_budget_holds_a_judge_as_it_holds_anybody(bench: Callable[[str], Bench]) -> None:
    """What a judge may cost is kept free before it is asked: nothing is sent beyond a ceiling."""
    one = bench(GRAPH)
    agreed = spending(one.vendors)
    assert api.build(one.graph, ["still", "product"], store=one.store, spending=agreed).status == "ok"
    before = len(one.posts())
    found = one.tried(budget_microusd=1_000)
    assert isinstance(found, DagcontentError) or found.status == "budget"
    assert len(one.posts()) == before


@pytest.mark.slow
def test_a_judge_that_refuses_is_passed_over_with_its_selection(bench: Callable[[str], Bench]) -> None:
    """Behind an alternative that serves, nobody feels that the one before it had no judge."""
    one = bench(
        GRAPH.replace("[node.said]", '[node.kept]\nkind = "fallback"\neach = "scene"\nof = ["${best[scene]}", "${still[scene, take=0]}"]\n[node.said]')
        .replace("${best[scene].label} ${best[scene].score}", "${kept[scene].width}")
    )  # fmt: skip
    one.vendors.set_faults([{"fault": "status", "status": 400, "vendor": "google"}])
    result = one.build()
    found = {node.node: node.status for node in result.nodes}
    assert result.status == "ok", found
    assert {found[name] for name in ("best[sun]", "best.judge[sun]", "best.judge[moon]")} == {"passed_over"}
    assert {charge.vendor for charge in one.charges()} == {"fal"}
