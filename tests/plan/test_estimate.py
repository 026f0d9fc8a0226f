from __future__ import annotations

from pathlib import Path

from dagcontent import api
from dagcontent.plan.model import Plan, PlanRow

CLAUDE = 'kind = "text.generate"\nmodel = "openrouter/anthropic/claude-sonnet-5.5"'
VOICE = 'kind = "speech.generate"\nmodel = "elevenlabs/eleven_multilingual_v2"\nvoice = "Rachel"'
SCENES = """
[graph]
name = "scenes"
[each.scene]
of = "${script.scenes}"
MAX
[node.script]
kind = "text.generate"
model = "openrouter/anthropic/claude-sonnet-5.5"
prompt = "Scenes of one sentence, at most twelve words."
SCHEMA
[node.voice]
each = "scene"
kind = "speech.generate"
model = "elevenlabs/eleven_multilingual_v2"
voice = "Rachel"
text = "${scene.line}"
"""
RETURNS = 'returns = { scenes = [{ line = "text" }] }'


def planned(tmp_path: Path, text: str) -> Plan:
    graph = tmp_path / "graph.toml"
    graph.write_text(text, encoding="utf-8")
    return api.plan(graph, store=tmp_path / "store")


def row(plan: Plan, node: str) -> PlanRow:
    return next(one for one in plan.rows if one.node == node)


def high(plan: Plan, node: str) -> int | None:
    price = row(plan, node).price
    assert price is not None
    return price.quote.high


def schema(line: str, *, items: str = "") -> str:
    return (
        'schema = { type = "object", properties = { scenes = { type = "array", '
        f'{items}items = {{ type = "object", properties = {{ line = {{ type = "string"{line} }} }} }} }} }} }}'
    )


def test_a_chain_of_texts_has_a_bound(tmp_path: Path) -> None:
    """A text that reads another that is still to be written costs what so many tokens may: else no budget could hold it."""
    first = f'[graph]\nname = "chain"\n[node.a]\n{CLAUDE}\nprompt = "A line."\nmax_tokens = 100\n'
    plan = planned(tmp_path, f'{first}[node.b]\n{CLAUDE}\nprompt = "Again: ${{a}}"\nmax_tokens = 100\n')
    bounds = high(plan, "a"), high(plan, "b")
    assert None not in bounds
    assert bounds[1] > bounds[0]  # type: ignore[operator] - neither is None
    longer = planned(
        tmp_path, f'{first.replace("100", "5000")}[node.b]\n{CLAUDE}\nprompt = "Again: ${{a}}"\nmax_tokens = 100\n'
    )
    assert high(longer, "b") > bounds[1]  # type: ignore[operator] - as above


def test_a_schema_bounds_what_is_spoken(tmp_path: Path) -> None:
    """`maxLength` is what a text can have at most; without one it is what the model takes."""
    loose = planned(tmp_path, SCENES.replace("SCHEMA", RETURNS).replace("MAX", "max = 4"))
    tight = planned(tmp_path, SCENES.replace("SCHEMA", schema(", maxLength = 200")).replace("MAX", "max = 4"))
    assert high(loose, "voice[*]") == 1_300_000
    assert high(tight, "voice[*]") == 26_000
    assert row(loose, "voice[*]").items_max == row(tight, "voice[*]").items_max == 4


def test_a_schema_bounds_a_list(tmp_path: Path) -> None:
    """`maxItems` serves in the place of a dimension's `max`; one that is written counts."""
    text = SCENES.replace("SCHEMA", schema("", items="maxItems = 5, "))
    assert row(planned(tmp_path, text.replace("MAX", "")), "voice[*]").items_max == 5
    assert row(planned(tmp_path, text.replace("MAX", "max = 3")), "voice[*]").items_max == 3
    assert row(planned(tmp_path, SCENES.replace("SCHEMA", RETURNS).replace("MAX", "")), "voice[*]").items_max is None


def test_the_prompt_says_what_is_expected(tmp_path: Path) -> None:
    """Twelve words are 72 characters of speech, before anything was made."""
    plan = planned(tmp_path, SCENES.replace("SCHEMA", RETURNS).replace("MAX", "max = 4"))
    price = row(plan, "voice[*]").price
    assert price is not None
    assert price.quote.basis == "prompt"
    assert price.quote.expected == 72 * 80
    written = row(plan, "script").price
    assert written is not None
    assert written.quote.basis == "prompt"
    assert written.quote.expected < 1_000  # type: ignore[operator] - a dozen words, not a tenth of all that it may say


def test_what_is_measured_is_not_guessed(tmp_path: Path) -> None:
    """A text that is written out costs what it has, whatever it says of lengths."""
    plan = planned(tmp_path, f'[graph]\nname = "said"\n[node.a]\n{VOICE}\ntext = "Two words."\n')
    price = row(plan, "a").price
    assert price is not None
    assert (price.quote.basis, price.quote.low, price.quote.expected) == ("list", 800, 800)


def test_every_estimate_lies_between_its_bounds(tmp_path: Path) -> None:
    """Least, likely, most, in this order, on every row of a graph in which most is still to be made."""
    text = SCENES.replace("SCHEMA", RETURNS).replace("MAX", "max = 4") + (
        '[node.clip]\neach = "scene"\nkind = "video.generate"\nmodel = "fal/fal-ai/veo3.1"\n'
        'prompt = "${scene.line}"\nduration = "${voice[scene].duration}"\n'
        '[node.sum]\nkind = "text.generate"\nmodel = "openai/gpt-6.1-sol"\nprompt = "In 20 words: ${script}"\n'
    )
    priced = [one for one in planned(tmp_path, text).rows if one.price is not None]
    assert len(priced) == 4
    for one in priced:
        assert one.price is not None
        quote = one.price.quote
        assert quote.expected is not None, one.node
        assert quote.high is not None, one.node
        assert quote.low <= quote.expected <= quote.high, one.node
        for charge in quote.charges:
            assert charge.source
            assert charge.high is not None
            assert charge.low <= charge.high


def test_a_maybe_says_on_what_it_depends(tmp_path: Path) -> None:
    """Whoever reads the plan sees which node decides."""
    plan = planned(tmp_path, SCENES.replace("SCHEMA", RETURNS).replace("MAX", "max = 4"))
    assert [one.node for one in row(plan, "voice[*]").depends] == ["script"]
    assert row(plan, "script").depends == ()


def test_a_list_of_what_is_still_to_be_made_costs_as_many(tmp_path: Path) -> None:
    """All takes of a picture that are shown to a model are so many pictures before they are there: no budget could hold a
    request of which nobody says what it may cost. Of a list with a bound it is the bound.
    """
    looks = 'kind = "text.generate"\nmodel = "google/gemini-3.8-flash"\nmax_tokens = 100\nprompt = "Which?"\n'
    still = '[node.still]\nkind = "image.generate"\nmodel = "fal/fal-ai/flux/dev"\ntakes = {}\nprompt = "x"\nsize = "64x64"\n'
    told = '[graph]\nname = "looks"\n' + still + f"[node.see]\n{looks}images = "
    written = high(planned(tmp_path, told.format(2) + '["${still[0]}", "${still[1]}"]'), "see")
    assert high(planned(tmp_path, told.format(2) + '"${still}"'), "see") == written
    assert high(planned(tmp_path, told.format(4) + '"${still}"'), "see") > written  # type: ignore[operator] - neither is None
    listed = '[each]\nshot = { of = "${script.shots}", max = MOST }\n[node.script]\n' + looks
    listed += 'returns = { shots = ["text"] }\n'
    judged = '[node.best]\nkind = "select"\nfrom = "${still[*]}"\nby = "judge"\nrubric = "r"\nmodel = "google/gemini-3.8-flash"\n'
    text = '[graph]\nname = "open"\n' + listed + still.format(1).replace("prompt", 'each = "shot"\nprompt') + judged
    few = high(planned(tmp_path, text.replace("MOST", "2")), "best.judge")
    assert high(planned(tmp_path, text.replace("MOST", "9")), "best.judge") > few  # type: ignore[operator] - as above
