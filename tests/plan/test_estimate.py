from __future__ import annotations

from pathlib import Path

from pictures import noise

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


def test_a_check_of_length_bounds_what_is_paid_by_the_second(tmp_path: Path) -> None:
    """Nothing longer passes `media.check`: an avatar of a voice that is still to be spoken has a most, and a likely cost."""
    text = (
        f'[graph]\nname = "talk"\n[node.said]\n{VOICE}\ntext = "In a hundred and fifty characters there is room for ten seconds of speech, '
        'more or less, and that is all that is known of it before it was spoken."\n'
        '[node.voice]\nkind = "media.check"\nmedia = "${said}"\nMAX\n'
        '[node.talk]\nkind = "video.avatar"\nmodel = "fal/fal-ai/kling-video/ai-avatar/v2/standard"\nimage = "face.png"\n'
        'audio = "${voice}"\n'
    )
    noise((64, 64)).save(tmp_path / "face.png")
    loose = row(planned(tmp_path, text.replace("MAX", "not_silent = true")), "talk").price
    tight = row(planned(tmp_path, text.replace("MAX", "max_duration = 20")), "talk").price
    assert loose is not None
    assert tight is not None
    assert tight.quote.high == 20 * 71_000
    assert tight.quote.expected is not None
    assert tight.quote.expected < 12 * 56_200
    assert loose.quote.high is None or loose.quote.high > tight.quote.high


def test_a_number_that_is_still_to_be_made_does_not_unbound_a_text(tmp_path: Path) -> None:
    """A prompt that says "a slot of ${line.seconds} seconds" is bounded: whatever the number will be."""
    form = (
        'schema = { type = "object", properties = { n = { type = "number" }, free = { type = "string" } } }\n'
        f'max_tokens = 50\n[node.b]\n{CLAUDE}\nmax_tokens = 50\nprompt = "Of '
    )
    graph = f'[graph]\nname = "slot"\n[node.a]\n{CLAUDE}\nprompt = "A number."\n{form}'
    assert high(planned(tmp_path, graph + '${a.n} seconds."\n'), "b") is not None


SEVERAL = """
[graph]
name = "several"
[each.angle]
of = "${angles.all}"
max = 3
[each]
maker = [{ id = "dear", model = "fal/fal-ai/flux-pro/v1.1" }, { id = "cheap", model = "fal/fal-ai/flux/schnell" }]
[node.angles]
kind = "text.generate"
model = "openrouter/anthropic/claude-sonnet-5.5"
prompt = "Three angles."
max_tokens = 100
returns = { all = ["text"] }
[node.picture]
kind = "image.generate"
each = EACH
model = "${maker.model}"
prompt = "${angle}"
size = "512x512"
"""


def test_models_of_a_dimension_have_their_prices_before_the_list_is_known(tmp_path: Path) -> None:
    """What several models make is paid for, whatever is still unknown; it must never pass for free."""
    plan = planned(tmp_path, SEVERAL.replace("EACH", '["maker", "angle"]'))
    dear, cheap = high(plan, "picture[dear,*]"), high(plan, "picture[cheap,*]")
    assert dear is not None
    assert cheap is not None
    assert dear > cheap > 0
    mixed = row(planned(tmp_path, SEVERAL.replace("EACH", '["angle", "maker"]')), "picture[*,*]")
    assert mixed.price is not None
    assert mixed.price.quote.high is None
    assert "name their dimension first" in mixed.price.notes[0]


HEARD = """
[graph]
name = "heard"
[each.sentence]
of = "${heard.segments}"
max = 10
[node.film]
kind = "media.check"
media = "film.mp4"
not_silent = true
MOST
[node.heard]
kind = "audio.transcribe"
model = "elevenlabs/scribe_v2"
video = "${film}"
[node.rate]
kind = "image.describe"
each = "sentence"
model = "openrouter/openai/gpt-6-luna"
image = "still.png"
prompt = "Does it fit? ${sentence.text}"
OPTIONS
"""


def test_a_length_that_is_let_through_bounds_what_is_heard(tmp_path: Path) -> None:
    """A film of unknown length has no price; one that is refused beyond ten minutes has, and so has what reads its words."""
    (tmp_path / "film.mp4").write_bytes(b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom")
    (tmp_path / "still.png").write_bytes(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR")

    def most(limit: str, options: str = "") -> tuple[int | None, int | None]:
        plan = planned(tmp_path, HEARD.replace("MOST", limit).replace("OPTIONS", options))
        return high(plan, "heard"), high(plan, "rate[*]")

    assert most("") == (None, None)
    short, long = most("max_duration = 60"), most("max_duration = 600")
    assert all(one is not None and more is not None and one < more for one, more in zip(short, long, strict=True))
    told = most("max_duration = 60", "options = { max_tokens = 100 }")
    assert told[1] is not None
    assert short[1] is not None
    assert told[1] < short[1], "what an option bounds is bounded in a list that is still to be made as well"


def test_a_text_is_likely_shorter_than_its_schema_lets_it_be(tmp_path: Path) -> None:
    """What is expected of a spoken field is less than its most; what the system text asks for counts as the prompt does."""
    voice = '[node.v]\nkind = "speech.generate"\nmodel = "elevenlabs/eleven_multilingual_v2"\nvoice = "Rachel"\ntext = "${a.line}"\n'
    form = 'schema = { type = "object", properties = { line = { type = "string", maxLength = 900 } }, required = ["line"] }\n'
    start = f'[graph]\nname = "said"\n[node.a]\n{CLAUDE}\nmax_tokens = 400\nprompt = "Lanterns."\n{form}'

    def expected(more: str) -> int:
        found = row(planned(tmp_path, start + more + voice), "v").price
        assert found is not None
        assert found.quote.high is not None
        assert found.quote.expected < found.quote.high
        return found.quote.expected

    assert expected('system = "At most five words."\n') < expected("")
