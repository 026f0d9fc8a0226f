"""A plan as Markdown: what comes from a graph is text, whatever it looks like."""

from __future__ import annotations

import datetime as dt
import html
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result
from hypothesis import example, given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from dagcontent.cli.plan_markdown import plan_markdown
from dagcontent.cli.screen import safe
from dagcontent.plan.model import FieldDiff, Plan, PlanRow, Price
from dagcontent.values.money import Ceiling, Room
from dagcontent.values.quote import Charge, Quote

from .test_plan_table import COVER, GRAPH

Run = Callable[..., Result]
Same = Callable[[str, str], None]

TODAY = dt.date(2026, 11, 25)
NASTY = [
    "a | b", "`code` ``more``", "<script>alert(1)</script>", "</details><img src=x>", "**bold** _it_ ~~no~~", "[a](http://x.y)",
    "![p](x)", "@somebody and #12", "www.example.com https://example.com", "a\n\n# heading\n- item", "\\| \\\\", "&amp; &#124;",
    "| --- |", "<!-- hidden", "```sh\nrm\n```", "\x1b[31mred", "  padded  ", "1. one", "$1$ and $$", ":smile:", "\u202eturned",
]  # fmt: skip
texts = st.sampled_from(NASTY) | st.text(min_size=1, max_size=40)
_parser = MarkdownIt("commonmark").enable("table")
MADE = re.compile(
    r"</?code>|<br\s*/?>|</?(table|thead|tbody|tr|th|td|h3|p|ul|li|strong|details|summary|pre|blockquote)[^>]*>|<code class=\"language-sh\">"
)


def page(text: str, graph: str = "g.toml") -> str:
    """Return the page of a plan in which a text stands wherever one of a graph's can."""
    quote = Quote(
        low=1000, expected=2000, high=3000,
        charges=(Charge(unit="image", low=1, expected=1, high=1, nano=1000, bound_nano=2000, source=text, date="2026-01-01"),),
    )  # fmt: skip
    row = PlanRow(
        f"still[{text}]", "image.generate", f"fal/{text}", "run", cause="edit",
        why=(FieldDiff(f"params.{text}", text, f"{text}!", lines=((text, 3),)),),
        price=Price(operation="q", recovery="ask", quote=quote, notes=(text,)),
    )  # fmt: skip
    other = PlanRow(f"other[{text}]", "image.grid", "", "blocked", error=text)
    plan = Plan("g", (row, other), (text,), ceilings=(Room(Ceiling("run", 10**6, text)),))
    return plan_markdown(plan, graph, [(f"dagcontent build {graph}", text)], TODAY)


def table_cells(rendered: str) -> list[list[str]]:
    """Return the text of every row of every table, as a browser shows it."""
    return [
        [html.unescape(re.sub(r"<[^>]*>", "", cell)) for cell in re.findall(r"<td[^>]*>(.*?)</td>", row, re.DOTALL)]
        for row in re.findall(r"<tr>(.*?)</tr>", rendered, re.DOTALL)
    ]


@given(texts)
@example("a | b")
@example("</code></details>")
def test_what_a_graph_says_is_text(text: str) -> None:
    """Read by a Markdown parser, a name, a prompt, a model, a source and a warning are what they were: no cell more, no tag, no link."""
    rendered = _parser.render(page(text))
    left = MADE.sub("", rendered)
    assert "<" not in left
    assert "<a " not in rendered
    assert "<img" not in rendered
    rows = [row for row in table_cells(rendered) if row]
    assert {len(row) for row in rows} == {7, 6, 5}
    shown = safe(text)
    found = [cell for row in rows for cell in row]
    assert f"still[{shown}]".strip() in [cell.strip() for cell in found]
    assert f"fal/{shown}".strip() in [cell.strip() for cell in found]
    assert rendered.count("<details>") == rendered.count("</details>") == 2


@given(st.text(min_size=1, max_size=40).filter(lambda text: "\n" not in safe(text)))
@example("```")
@example("a`````b")
def test_a_command_stays_in_its_fence(graph: str) -> None:
    """What is copied is the command; nothing in a file's name ends the block."""
    tokens = _parser.parse(page("x", graph))
    (fence,) = [token for token in tokens if token.type == "fence"]
    assert fence.content == f"{safe(f'dagcontent build {graph}')}\n"
    assert tokens[-1] is fence


def test_nobody_is_called_and_nothing_linked() -> None:
    """Code hosts look for names and numbers in a page's text, unless it is code: outside of it an `@` stands apart."""
    rendered = _parser.render(page("@somebody #12"))
    outside = html.unescape(re.sub(r"<[^>]*>", "", re.sub(r"<code>.*?</code>", "", rendered)))
    assert re.search(r"@\w|#\d", outside) is None
    assert "@\u2060somebody" in outside


def test_a_plan_for_a_pull_request(run: Run, here: Path, same: Same, monkeypatch: pytest.MonkeyPatch) -> None:
    """Word for word, on stdout and in a file of that ending; beside it the file that a build is held to, which it names."""
    monkeypatch.setenv("COLUMNS", "80")
    (here / "long.toml").write_text(GRAPH + COVER, encoding="utf-8")
    shown = run("plan", "long.toml", "--markdown")
    assert shown.exit_code == 0
    assert max(line.count("|") for line in shown.stdout.splitlines()) == 8
    same("plan.md", shown.stdout)
    assert run("plan", "long.toml", "-o", "plan.md", "-q").stdout == ""
    assert (here / "plan.md").read_text("utf-8") == shown.stdout
    run("plan", "long.toml", "-o", "agreed.json", "-o", "plan.md")
    assert "dagcontent build long.toml --plan agreed.json" in (here / "plan.md").read_text("utf-8")
    assert run("plan", "long.toml", "--markdown", "--json").exit_code == 2


def test_a_plan_with_nothing_to_do_is_one_line(run: Run, small: Path) -> None:
    """A pull request that changes nothing that is made says so, without an empty table."""
    assert run("build", "small.toml", "-q").exit_code == 0
    text = run("plan", "small.toml", "--markdown").stdout
    assert text.startswith("### Plan of <code>small&#46;toml</code>\n\n5 instances: 5 hit.\n")
    assert "|" not in text
