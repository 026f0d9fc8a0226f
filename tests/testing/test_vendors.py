from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dagcontent.cli.settings import read_settings
from dagcontent.media.probe import measure
from dagcontent.testing.vendors import media
from dagcontent.testing.vendors.client import BOUNDS, FakeVendors
from dagcontent.testing.vendors.ledger import Charge, ChargeLedger, read_ledger
from dagcontent.testing.vendors.schema import SchemaError, conforming
from dagcontent.testing.vendors.wire import Request


def paid(vendors: FakeVendors, prompt: str) -> int:
    """Submit to fal with nothing but the standard library; return the status."""
    request = urllib.request.Request(  # noqa: S310 - of this machine
        f"{vendors.base_urls['fal']}/fal-ai/flux/dev",
        json.dumps({"prompt": prompt}).encode(),
        {"Authorization": f"Key {vendors.key('fal')}", "Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310 - of this machine
        return int(answer.status)


@pytest.mark.slow
def test_the_ledger_outlives_the_program(tmp_path: Path) -> None:
    """What was answered is on disk when the program is killed, and the next one goes on with it."""
    with FakeVendors(tmp_path) as vendors:
        port = vendors.port
        for number in range(3):
            assert paid(vendors, str(number)) == 200
        os.kill(vendors.pid, signal.SIGKILL)
        before = vendors.ledger()
        vendors.kill()
        assert len(before) == 3
        vendors.start()
        assert vendors.port == port
        assert paid(vendors, "again") == 200
        after = vendors.ledger()
        assert after[:3] == before
        assert len({charge.job for charge in after}) == 4


@pytest.mark.slow
def test_a_charge_is_on_disk_when_nobody_hears_of_it(tmp_path: Path) -> None:
    """An answer that is lost after the charge, in a program that is killed then: the ledger has it."""
    with FakeVendors(tmp_path, faults=[{"fault": "drop", "operation": "submit"}]) as vendors:
        with pytest.raises(OSError):  # noqa: PT011 - whatever the library makes of it
            paid(vendors, "x")
        vendors.kill()
        assert len(vendors.ledger()) == 1


def test_a_torn_line_is_no_charge(tmp_path: Path) -> None:
    """What a crash left of a line is passed over; whole lines before it count."""
    path = tmp_path / "ledger"

    async def note() -> None:
        ledger = ChargeLedger(path)
        lines = (Charge(at=n, vendor="fal", operation="submit", model="m") for n in range(5))
        await asyncio.gather(*(ledger.note(line) for line in lines))

    asyncio.run(note())
    with path.open("ab") as file:
        file.write(b'{"at": 9, "ven')
    assert [charge.at for charge in read_ledger(path)] == [0, 1, 2, 3, 4]


@pytest.mark.slow
def test_the_program_ends_with_the_process_that_started_it(tmp_path: Path) -> None:
    """However its parent ends, killed too, the program does not stay behind."""
    code = (
        "import sys, time\nfrom pathlib import Path\nfrom dagcontent.testing.vendors.client import FakeVendors\n"
        f"v = FakeVendors(Path({str(tmp_path)!r})); v.start(); print(v.pid, flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        parent.kill()
    end = time.monotonic() + 10
    while alive(child):
        assert time.monotonic() < end, "the program stayed behind"


def alive(process: int) -> bool:
    """Whether a process runs; one that waits to be buried does not."""
    try:
        state = Path(f"/proc/{process}/stat").read_text(encoding="ascii").rpartition(")")[2].split()[0]
    except (OSError, IndexError):
        return False
    return state not in ("Z", "X")


def test_the_configuration_is_one_that_is_read(vendors: FakeVendors, tmp_path: Path) -> None:
    """The settings' own reader takes it: every vendor at this program, its key from the environment, bounds of a second."""
    config = tmp_path / "config.toml"
    config.write_text(vendors.config_toml(bounds={"poll_s": 0.02}), encoding="utf-8")
    environment = {"DAGCONTENT_CONFIG": str(config), **vendors.environment}
    providers = read_settings(None, store=None, environment=environment).providers
    for name, url in vendors.base_urls.items():
        found = providers[name]
        assert (found.base_url, found.realm) == (url, "fake-vendors")
        assert found.secret("") == vendors.key(name)
        assert found.bounds == {**BOUNDS, "poll_s": 0.02}
        assert max(found.bounds.values()) <= 1


@pytest.mark.slow
def test_a_script_is_read_from_a_file_and_a_wrong_one_stops_the_start(tmp_path: Path) -> None:
    """The program's own arguments: a rule of the file strikes; a rule that is none is an error of usage."""
    with FakeVendors(tmp_path, faults=[{"fault": "status", "status": 503, "times": 1}]) as vendors:
        with pytest.raises(OSError, match="503"):
            paid(vendors, "x")
        assert paid(vendors, "x") == 200
    script = tmp_path / "wrong.json"
    script.write_text('[{"fault": "nothing"}]', encoding="utf-8")
    argv = [sys.executable, "-m", "dagcontent.testing.vendors", "--faults", str(script)]
    ended = subprocess.run(argv, capture_output=True, check=False, timeout=30)
    assert (ended.returncode, b"no such fault: nothing" in ended.stderr) == (2, True)


def test_unknown_paths_and_methods_are_not_found(vendors: FakeVendors) -> None:
    """What no vendor serves is answered by 404, noted, and changes nothing."""
    for path in ("/", "/nobody/x", "/openai/v1/none", "/fal/files/a"):
        with pytest.raises(OSError, match="HTTP Error 404"):
            urllib.request.urlopen(f"http://127.0.0.1:{vendors.port}{path}", timeout=5)
    assert len(vendors.requests()) == 4


TEXT_TYPES = st.sampled_from(
    [
        {"type": "string"}, {"type": "string", "minLength": 30}, {"type": "string", "maxLength": 3},
        {"type": "string", "enum": ["a", "b"]}, {"const": 7}, {"type": "integer", "minimum": 3, "maximum": 5},
        {"type": "number", "exclusiveMinimum": 0, "maximum": 1}, {"type": "boolean"}, {"type": ["string", "null"]},
        {"type": "integer", "multipleOf": 5, "minimum": 11}, {"type": "string", "format": "date"},
        {"type": "number", "maximum": -4}, {"type": "null"},
    ]
)  # fmt: skip


def _larger(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    lists = st.builds(
        lambda items, least, more: {"type": "array", "items": items, "minItems": least, "maxItems": least + more},
        inner,
        st.integers(0, 5),
        st.integers(0, 5),
    )
    names = st.sampled_from(["title", "text", "scenes", "count"])
    objects = st.dictionaries(names, inner, max_size=3).map(
        lambda fields: {
            "type": "object",
            "properties": fields,
            "required": sorted(fields),
            "additionalProperties": False,
        }
    )
    return lists | objects | st.lists(inner, min_size=1, max_size=3).map(lambda choices: {"anyOf": choices})


@given(st.recursive(TEXT_TYPES, _larger, max_leaves=8), st.text(max_size=5))
def test_made_json_conforms(schema: Any, seed: str) -> None:
    """Whatever the schema, what is made of it is valid, and the same again."""
    value = conforming(schema, seed)
    jsonschema.validate(value, schema)
    assert conforming(schema, seed) == value


def test_made_json_follows_references_and_ends() -> None:
    """A schema that refers to itself is followed, and the value has an end; what cannot conform is refused."""
    tree = {
        "$defs": {
            "node": {
                "type": "object",
                "properties": {
                    "name": {"type": "string"},
                    "inner": {"type": "array", "items": {"$ref": "#/$defs/node"}},
                },
                "required": ["name", "inner"],
            }
        },
        "allOf": [{"$ref": "#/$defs/node"}, {"required": ["name"]}],
    }
    value = conforming(tree, "x")
    jsonschema.validate(value, tree)
    assert value["inner"][0]["inner"]
    for wrong in (False, {"$ref": "#/none"}, {"type": "matrix"}, {"type": "integer", "minimum": 2, "maximum": 1}):
        with pytest.raises(SchemaError):
            conforming(wrong, "x")
    with pytest.raises(SchemaError):
        conforming({"type": "array", "items": {"enum": [1, 2]}, "uniqueItems": True, "minItems": 3}, "x")


@pytest.mark.slow
@pytest.mark.parametrize("form", ["mp4", "webm"])
def test_clips_decode_whole(tmp_path: Path, form: str) -> None:
    """Pixels, frames a second, length and sound are those asked for; another seed is another file at once."""
    path = tmp_path / "clip"
    path.write_bytes(media.clip(640, 360, 25, 2.0, "one", form=form))
    seen = measure(path, "video", media.MEDIA_TYPES[form])
    assert (seen["width"], seen["height"], seen["fps"]) == (640, 360, [25, 1])
    assert seen["duration_ms"] == pytest.approx(2000, abs=10)
    assert "sample_rate" in seen
    assert media.clip(640, 360, 25, 2.0, "one", form=form) == path.read_bytes()
    assert media.clip(640, 360, 25, 2.0, "two", form=form) != path.read_bytes()
    path.write_bytes(media.clip(640, 360, 25, 1.0, "one", form=form, sound=False))
    assert "sample_rate" not in measure(path, "video", media.MEDIA_TYPES[form])


@pytest.mark.parametrize("form", ["wav", "mp3", "flac", "opus", "m4a"])
def test_recordings_decode_whole(tmp_path: Path, form: str) -> None:
    """Every form of sound has the length asked for, and the same arguments give the same bytes."""
    data = media.recording(1.5, form, "x", channels=2)
    path = tmp_path / "sound"
    path.write_bytes(data)
    assert measure(path, "audio", media.MEDIA_TYPES[form])["duration_ms"] == pytest.approx(1500, abs=50)
    assert media.sound_length_s(data) == pytest.approx(1.5, abs=0.05)
    assert media.recording(1.5, form, "x", channels=2) == data
    with pytest.raises(ValueError, match="no recording"):
        media.sound_length_s(b"no sound at all")


def test_forms_are_read_whatever_their_boundary() -> None:
    """Fields, files and empty values come apart as they were put together; a form without an end is none."""
    rows = [
        b'name="text"\r\n\r\na\r\nb',
        b'name="file"; filename="a.png"\r\nContent-Type: image/png\r\n\r\n\x00\r\n\x01',
    ]
    digests = set()
    for boundary in (b"one", b"--two--"):
        parts = b"".join(b"--" + boundary + b"\r\nContent-Disposition: form-data; " + row + b"\r\n" for row in rows)
        header = [("content-type", f"multipart/form-data; boundary={boundary.decode()}")]
        request = Request(method="POST", target="/", headers=header, body=parts + b"--" + boundary + b"--\r\n")
        text, file = request.form()
        assert (text.name, text.text, text.file_name) == ("text", "a\r\nb", None)
        assert (file.file_name, file.media_type, file.data) == ("a.png", "image/png", b"\x00\r\n\x01")
        digests.add(request.digest())
        with pytest.raises(ValueError, match="no end"):
            Request(method="POST", target="/", headers=header, body=parts).form()
    assert len(digests) == 1
