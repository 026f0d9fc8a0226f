"""Keys of paid nodes, frozen: a key that changes buys everybody's results again."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from oracle.little import Little

from dagcontent import api
from dagcontent.errors import GraphError, NodeError
from dagcontent.plan.action import Action
from dagcontent.plan.unit import Status
from dagcontent.values.record import Done, Record

GOLDEN = Path(__file__).with_name("golden_paid_keys.json")
NODES = {
    "a picture": 'kind = "image.generate"\nmodel = "fal/fal-ai/flux/dev"\nprompt = "a lantern"\nsize = "512x512"',
    "a picture with options": 'kind = "image.generate"\nmodel = "fal/fal-ai/flux/dev"\nprompt = "a lantern"\nsize = "512x512"\noptions = { guidance_scale = 5 }',
    "a picture with a seed": 'kind = "image.generate"\nmodel = "fal/fal-ai/flux/dev"\nprompt = "a lantern"\nsize = "512x512"\nseed = 7',
    "a picture by another": 'kind = "image.generate"\nmodel = "openai/gpt-image-2"\nprompt = "a lantern"',
    "an endpoint nobody listed": 'kind = "image.generate"\nmodel = "fal/somebody/new-model"\nprompt = "a lantern"',
    "speech": 'kind = "speech.generate"\nmodel = "elevenlabs/eleven_multilingual_v2"\nvoice = "Rachel"\ntext = "a lantern"',
    "text": 'kind = "text.generate"\nmodel = "openrouter/anthropic/claude-sonnet-5.5"\nprompt = "a lantern"',
    "text in a form": 'kind = "text.generate"\nmodel = "openai/gpt-5.4"\nprompt = "a lantern"\nreturns = { title = "text" }',
    "a clip": 'kind = "video.generate"\nmodel = "fal/fal-ai/veo3.1"\nprompt = "a lantern"\nduration = 8',
    "a clip, snapped": 'kind = "video.generate"\nmodel = "fal/fal-ai/veo3.1"\nprompt = "a lantern"\nduration = 6.2',
    "a shorter clip": 'kind = "video.generate"\nmodel = "fal/fal-ai/veo3.1"\nprompt = "a lantern"\nduration = 4',
    "music": 'kind = "music.generate"\nmodel = "elevenlabs/music_v1"\nprompt = "a waltz"\nduration = 12',
}  # fmt: skip


def action_of(node: str, realms: dict[str, str] | None = None) -> Action:
    (action,) = Little(f"[node.it]\n{node}\n").resolver(realms=realms).take()
    return action


def test_keys_of_paid_nodes_are_frozen(request: pytest.FixtureRequest) -> None:
    """Of every shape of request, for all versions to come: its key, and what the key is made of."""
    made = {}
    for name, node in NODES.items():
        action = action_of(node)
        made[name] = {"key": action.key, "params": action.manifest.params, "model": action.manifest.model}
    if request.config.getoption("--golden"):
        GOLDEN.write_text(json.dumps(made, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    assert made == json.loads(GOLDEN.read_text(encoding="utf-8"))


def test_what_a_model_snaps_to_is_what_is_keyed() -> None:
    """5.2 s and 7.9 s are one request where a model makes 8 s: paid once."""
    assert action_of(NODES["a clip"]).key == action_of(NODES["a clip, snapped"]).key
    assert action_of(NODES["a clip"]).key != action_of(NODES["a shorter clip"]).key


def test_what_another_host_made_never_passes_for_the_vendors() -> None:
    """The realm is in the key: a gateway, a local server or a fake."""
    own = action_of(NODES["a picture"]).key
    assert action_of(NODES["a picture"], {"openai": "elsewhere"}).key == own
    keys = {own, *(action_of(NODES["a picture"], {"fal": realm}).key for realm in ("one", "two"))}
    assert len(keys) == 3


def test_params_of_an_action_are_their_own_request() -> None:
    """The executor makes the request from the action once more: it must be the very one that was keyed."""
    for name, node in NODES.items():
        action = action_of(node)
        rest = {k: v for k, v in action.params.items() if k != "options" and v is not None}
        keyed = {k: v for k, v in action.manifest.params.items() if k not in {"options", "seed", "schema"}}
        assert keyed.items() <= rest.items(), name


def test_a_lost_result_is_asked_for_as_it_was_keyed() -> None:
    """Its parameters are read once more from the graph: snapped another way, something else would be bought in its place."""
    graph = Little(f'[node.it]\n{NODES["a clip, snapped"]}\nsnap = "down"\n')
    (first,) = graph.resolver().take()
    graph.memory.commit(Record(first.key, first.manifest, Done("x"), {}, "run", 1))
    resolver = graph.resolver()
    (unit,) = resolver.fanout.units_of(0)
    assert unit.status is Status.HIT
    again = resolver.inputs.action(unit)
    assert (again.key, again.params, again.params["duration"]) == (first.key, first.params, 6)


def test_what_a_model_cannot_do_is_said_and_sends_nothing() -> None:
    """A size beyond the model is an error of that node, before anything is spent."""
    resolver = Little('[node.it]\nkind = "text.template"\ntext = "9000x9000"\n[node.pic]\nkind = "image.generate"\n'
                      'model = "fal/fal-ai/flux-2"\nprompt = "x"\nsize = "${it}"\n').resolver()  # fmt: skip
    assert resolver.take() == []
    (unit,) = resolver.fanout.units_of(1)
    assert isinstance(unit.error, NodeError)


@pytest.mark.parametrize(("snap", "seconds"), [("up", 8), ("down", 6), ("nearest", 6), ("error", None)])
def test_snap_decides_the_value_and_is_in_no_key(snap: str, seconds: int | None) -> None:
    """One request for each value, whatever word led to it."""
    clip = NODES["a clip, snapped"]
    if seconds is None:
        with pytest.raises(GraphError, match="1 mistake"):
            action_of(f'{clip}\nsnap = "{snap}"')
        return
    written = clip.replace("duration = 6.2", f"duration = {seconds}")
    assert (
        action_of(f'{clip}\nsnap = "{snap}"').key
        == action_of(written).key
        == action_of(f'{written}\nsnap = "error"').key
    )


def test_a_plan_says_what_was_changed_where_all_is_known(tmp_path: Path) -> None:
    """Not only where something is still to be made: a duration that is written is snapped as well. So does `why`."""
    path = tmp_path / "graph.toml"
    path.write_text(f"[node.it]\n{NODES['a clip, snapped']}\n", encoding="utf-8")
    (row,) = api.plan(path, store=tmp_path / "store").rows
    assert row.price is not None
    assert row.price.notes == api.why(path, "it", store=tmp_path / "store").notes
    assert row.price.notes == ("duration 6.2 s -> 8 s (what the model allows)",)
