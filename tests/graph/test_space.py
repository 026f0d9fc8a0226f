"""Names of a graph within a graph: what leads into it and out of it, and what it is told apart by."""

from __future__ import annotations

import pytest
from oracle.little import Little

LANGS = '[each.lang]\nof = [{ id = "a", word = "one", rows = ["r1", "r2"], on = true }, { id = "b", word = "two", rows = ["r3"], on = false }]\n'
AD = '[node.ad]\nkind = "graph"\npath = "ad.toml"\neach = "lang"\n'


def values(outer: str, inner: str, **files: str) -> dict[str, object]:
    """Return the value of every instance of a build, by name."""
    built = Little(LANGS + outer, ad_toml=inner, **files).build()
    return {
        name: value if built.status[name] in {"ran", "hit", "value"} else built.status[name]
        for name, value in built.values.items()
    }


def echo(name: str, text: str, more: str = "") -> str:
    """Return a node that gives its text."""
    return f'[node.{name}]\nkind = "text.template"\n{more}text = "{text}"\n'


def test_an_inner_dimension_hangs_below_the_outer_ones() -> None:
    """Each language has scenes of its own; nobody has to say so in the inner file."""
    inner = '[params]\nrows = []\n[each.row]\nof = "${params.rows}"\n' + echo(
        "say", "${row} ${index.row} ${label.row}", 'each = "row"\n'
    )
    found = values(AD + 'params = { rows = "${lang.rows}" }\n', inner)
    assert {name: value for name, value in found.items() if name.startswith("ad")} == {
        "ad[a]/say[r1]": "r1 0 r1", "ad[a]/say[r2]": "r2 1 r2", "ad[b]/say[r3]": "r3 0 r3"
    }  # fmt: skip


def test_names_of_both_graphs_may_be_the_same() -> None:
    """Who writes a graph for others cannot know how they call their nodes, dimensions and parameters."""
    inner = '[params]\nword = "inner"\n[each]\nlang = ["x"]\n' + echo(
        "end", "${params.word} ${lang}", 'each = "lang"\n'
    )
    outer = '[params]\nword = "outer"\n' + AD + echo("end", "${params.word} ${ad[*].e}")
    found = values(outer, inner + '[exports]\ne = "${end[0]}"\n')
    assert found["ad[a]/end[x]"] == "inner x"
    assert str(found["end"]) == "outer inner x\ninner x"


@pytest.mark.parametrize(("reference", "value"), [
    ("${ad['a'].words}", "one\nx"), ("${ad['b'].words[0]}", "two"), ("${ad[*].words[1]}", "x\nx"), ("${ad[1].both}", "<two|y>"),
    ("${ad['a'].table.w}", "one"), ("${ad['a'].table.n}", "7"), ("${ad['a'].lines[1]}", "y one"), ("${ad[0].lines[*].characters}", "[5, 5]"),
    ("${ad['a'].same}", "one"), ("${ad[1].size}", "5"), ("${ad['b'].deep.a[0].b}", "two"),
])  # fmt: skip
def test_exports_are_values_like_any_other(reference: str, value: str) -> None:
    """A path goes into what a graph exports as it goes into what a node makes, however it is put together."""
    inner = (
        '[params]\nw = ""\n[each]\nk = ["x", "y"]\n'
        + echo("line", "${k} ${params.w}", 'each = "k"\n')
        + '[exports]\nwords = ["${params.w}", "x"]\nboth = "<${params.w}|y>"\ntable = { w = "${params.w}", n = 7 }\n'
        'lines = "${line}"\nsame = "${params.w}"\nsize = "${line[0].characters}"\ndeep = { a = [{ b = "${params.w}" }] }\n'
    )
    assert values(AD + 'params = { w = "${lang.word}" }\n' + echo("end", reference), inner)["end"] == value


@pytest.mark.parametrize(("given", "inside", "value"), [
    ('"${said[lang]}"', "${params.p}", "<one||1>"), ('"${said[*]}"', "${params.p[1]}", "<two||1>"),
    ('"${said[lang].characters}"', "${params.p}", "8"), ('{ a = "${said[lang]}", b = [1, 2] }', "${params.p.b[1]} ${params.p.a}", "2 <one||1>"),
    ('["${said[lang]}", "x"]', "${params.p[1]}", "x"), ('"${lang}"', "${params.p.rows[0]}", "r1"), ('"<${lang.word}>"', "${params.p.characters}", "5"),
    ('"${lang.rows}"', "${params.p[*].characters}", "[2, 2]"), ('"${each.lang}"', "${params.p[1].word}", "two"), ('"${label.lang}"', "${params.p}", "a"),
    ('"${index.lang}"', "${params.p}", "0"), ('"${params.t}"', "${params.p.a[0]}", "z"), ('"${params.t[lang.id]}"', "${params.p[0]}", "z"),
])  # fmt: skip
def test_whatever_can_be_said_outside_can_be_given(given: str, inside: str, value: str) -> None:
    """A parameter of the inner graph is an expression of the outer one: elements, outputs, lists, joined text, look-ups."""
    said = '[params]\nt = { a = ["z"], b = ["y"] }\n[node.said]\nkind = "test.echo"\neach = "lang"\ntext = "${lang.word}"\n'
    inner = "[params]\np = { required = true }\n" + echo("end", inside)
    assert values(said + AD + f"params = {{ p = {given} }}\n", inner)["ad[a]/end"] == value


def test_conditions_of_a_graph_are_those_of_all_in_it() -> None:
    """A language that is switched off makes nothing, whatever its nodes say themselves; what is needed comes before all of it."""
    inner = (
        echo("plain", "x")
        + echo("own", "x", 'when = { value = "${plain}", is = "x" }\n')
        + echo("never", "x", "when = false\n")
        + '[node.all]\nkind = "test.join"\noptional = ["parts"]\nparts = ["${plain}", "${never}"]\n[exports]\nx = "${plain}"\ny = "!"\n'
    )
    outer = AD + 'when = "${lang.on}"\nneeds = ["ok"]\n'
    ends = echo("end", "${ad['b'].x}") + echo("fixed", "${ad['b'].y}") + echo("other", "${ad['a'].y}")
    found = values('[node.ok]\nkind = "test.echo"\ntext = "k"\n' + outer + ends, inner)
    assert [found[f"ad[a]/{name}"] for name in ("plain", "own", "never", "all")] == ["x", "x", "skipped", "x"]
    assert [found[f"ad[b]/{name}"] for name in ("plain", "own", "never", "all")] == ["skipped"] * 4
    assert (found["end"], found["fixed"], found["other"]) == ("skipped", "skipped", "!")
    failed = values('[node.ok]\nkind = "test.fail"\ntext = "abc"\n' + outer, inner)
    assert failed["ad[a]/plain"] == "blocked"


def test_a_graph_can_be_needed() -> None:
    """All that is in it must have come out well, or this language's of it."""
    inner = (
        '[params]\nw = ""\n[node.x]\nkind = "test.fail"\ntext = "${params.w}"\n'  # fails for a text of three letters
    )
    outer = AD + 'params = { w = "${lang.id}${lang.word}" }\n' + echo("one", "1", 'each = "lang"\nneeds = "ad[lang]"\n')
    found = values(outer.replace("${lang.id}${lang.word}", "${lang.word}"), inner)
    assert (found["one[a]"], found["one[b]"]) == ("blocked", "blocked")
    assert values(outer + echo("all", "2", 'needs = "ad"\n'), inner)["all"] == "2"


def test_graphs_within_graphs() -> None:
    """Every level adds its dimensions and its part of the name."""
    deep = '[params]\nw = ""\n[each]\nz = ["p", "q"]\n' + echo("e", "${params.w}${z}", 'each = "z"\n')
    inner = (
        '[params]\nw = ""\n[each]\ny = [1, 2]\n[node.in]\nkind = "graph"\npath = "deep.toml"\neach = "y"\nparams = { w = "${params.w}-${y}-" }\n'
        '[exports]\nall = "${in[*].e}"\none = "${in[1].e[0]}"\n'
    )
    outer = AD + 'params = { w = "${lang.word}" }\n' + echo("end", "${ad['b'].all[1][0]} ${ad['a'].one} ${ad[*].one}")
    found = values(outer, inner, deep_toml=deep + '[exports]\ne = "${e}"\n')
    assert found["ad[b]/in[2]/e[q]"] == "two-2-q"
    assert found["end"] == "two-2-p one-2-p one-2-p\ntwo-2-p"


@pytest.mark.parametrize("params", ['w = "${ad.x}"', 'w = "${ad.y}"'])
def test_what_a_graph_is_given_may_not_come_from_it(params: str) -> None:
    """It would wait for itself: a mistake with the way round, and not a build that ends in nothing."""
    inner = '[params]\nw = "x"\n' + echo("n", "${params.w}") + '[exports]\nx = "${n}"\ny = "${params.w}"\n'
    text = f'[node.ad]\nkind = "graph"\npath = "ad.toml"\nparams = {{ {params} }}\n'
    with pytest.raises(Exception, match="mistake"):
        Little(text, ad_toml=inner)
