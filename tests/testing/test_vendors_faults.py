from __future__ import annotations

import gzip
import json
import socket
import struct
import time
from typing import Any

import pytest

from dagcontent.testing.vendors.client import FakeVendors
from dagcontent.testing.vendors.faults import FAULTS, BadScript, Rule, Script, read_rules
from dagcontent.testing.vendors.media import picture_size

BODY = json.dumps({"prompt": "a lantern", "image_size": {"width": 32, "height": 32}}).encode()


class Said:
    """What a socket got: all bytes, and how it ended: "closed", "reset" or "open" (nothing for a while)."""

    def __init__(self, data: bytes, end: str) -> None:
        self.data = data
        self.end = end
        head, _, self.body = data.partition(b"\r\n\r\n")
        first, *rows = head.decode("latin-1").split("\r\n")
        self.status = int(first.split(" ")[1]) if first.startswith("HTTP/1.1 ") and len(first) > 11 else 0
        self.rows = [(name.lower(), value.strip()) for name, _, value in (row.partition(":") for row in rows)]
        self.headers = dict(self.rows)

    @property
    def json(self) -> Any:
        """The body's JSON."""
        return json.loads(self.body)


def said(
    vendors: FakeVendors, method: str, path: str, body: bytes = b"", *, wait_s: float = 5.0, headers: str = ""
) -> Said:
    """Send one request over a socket of its own, and return what came, byte for byte."""
    head = f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Key {vendors.key('fal')}\r\n{headers}"
    head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n"
    close = "" if "Connection" in headers else "Connection: close\r\n"
    data = b""
    try:
        with socket.create_connection(("127.0.0.1", vendors.port), timeout=wait_s) as connection:
            connection.sendall(head.encode() + close.encode() + b"\r\n" + body)
            while chunk := connection.recv(65536):
                data += chunk
        end = "closed"
    except TimeoutError:
        end = "open"
    except (ConnectionResetError, BrokenPipeError):
        end = "reset"
    return Said(data, end)


def submit(vendors: FakeVendors, *, wait_s: float = 5.0, body: bytes = BODY) -> Said:
    """Submit a small picture to fal."""
    return said(vendors, "POST", "/fal/fal-ai/flux/dev", body, wait_s=wait_s)


def result(vendors: FakeVendors, answer: Said) -> Said:
    """Wait for a submission's job, and return the answer with its result."""
    path = "/fal/fal-ai/flux/requests/" + answer.json["request_id"]
    end = time.monotonic() + 10
    while said(vendors, "GET", path + "/status").json["status"] != "COMPLETED":
        assert time.monotonic() < end
    return said(vendors, "GET", path)


def rule(fault: str, **more: Any) -> dict[str, Any]:
    """Return a rule for fal's submissions."""
    return {"fault": fault, "vendor": "fal", "operation": "submit", **more}


@pytest.mark.slow
@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize(
    ("fault", "end"),
    [
        ({"fault": "drop"}, "closed"),
        ({"fault": "silent"}, "open"),
        ({"fault": "reset", "part": "status", "byte": 0}, "reset"),
        ({"fault": "status", "status": 500}, "closed"),
        ({"fault": "redirect"}, "closed"),
    ],
)
def test_a_fault_comes_before_the_charge_or_after_it(
    vendors: FakeVendors, fault: dict[str, Any], end: str, when: str
) -> None:
    """The same silence, loss or error is free on one side and paid on the other: only the ledger tells."""
    vendors.set_faults([{**fault, "operation": "submit", "when": when}])
    answer = submit(vendors, wait_s=0.5 if end == "open" else 10)
    assert answer.end == end
    assert len(vendors.wait_charges(1, within_s=10.0 if when == "after" else 0.0)) == (when == "after")
    assert vendors.fired() == {fault["fault"]: 1}


@pytest.mark.parametrize("status", [400, 401, 402, 403, 404, 408, 409, 422, 425, 429, 500, 502, 503, 504])
def test_every_status_has_the_vendors_form(vendors: FakeVendors, status: int) -> None:
    """Each error is worded as its vendor words it, with or without a time to wait, and free by default."""
    vendors.set_faults([rule("status", status=status, retry_after=0.5, nth=1), rule("status", status=status, nth=2)])
    first, second = submit(vendors), submit(vendors)
    assert (first.status, second.status) == (status, status)
    assert (first.headers.get("retry-after"), second.headers.get("retry-after")) == ("0.5", None)
    detail = first.json["detail"]
    assert isinstance(detail, list if status == 422 else str)
    assert vendors.charges() == []
    openai = said_openai(vendors, status)
    assert set(openai.json["error"]) == {"message", "type", "param", "code"}


def said_openai(vendors: FakeVendors, status: int) -> Said:
    """Have OpenAI answer a status."""
    vendors.set_faults([{"fault": "status", "vendor": "openai", "status": status}])
    return said(vendors, "GET", "/openai/v1/models")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("part", "byte", "status"),
    [("status", 0, 0), ("status", 7, 0), ("headers", 5, 200), ("body", 0, 200), ("body", 20, 200)],
)
@pytest.mark.parametrize(("fault", "end"), [("reset", "reset"), ("stall", "open")])
def test_an_answer_breaks_off_at_its_byte(
    vendors: FakeVendors, fault: str, end: str, part: str, byte: int, status: int
) -> None:
    """Exactly so many bytes of the status line, the headers or the body come, then a reset or nothing more."""
    whole = submit(vendors).data
    start = {"status": 0, "headers": whole.index(b"\r\n") + 2, "body": whole.index(b"\r\n\r\n") + 4}[part]
    vendors.set_faults([rule(fault, part=part, byte=byte)])
    answer = submit(vendors, wait_s=1 if end == "open" else 10)
    assert (len(answer.data), answer.end) == (start + byte, end)
    assert answer.data[:12] == whole[: min(12, start + byte)]
    assert len(vendors.charges()) == 2


def test_a_request_breaks_off_before_it_is_whole(vendors: FakeVendors) -> None:
    """The server reads so many bytes and resets: nothing was accepted, and the notes say that it was not whole."""
    vendors.set_faults([rule("reset", part="request", byte=2000)])
    large = json.dumps({"prompt": "x" * 1_000_000}).encode()
    assert submit(vendors, body=large).end == "reset"
    (note,) = vendors.requests("fal", "submit")
    assert (note["complete"], note["bytes"] < 2000) == (False, True)
    assert vendors.charges() == []


def test_a_body_is_shorter_than_its_length(vendors: FakeVendors) -> None:
    """The connection ends, in good order, short of the Content-Length that was promised."""
    vendors.set_faults([rule("truncated", byte=15)])
    answer = submit(vendors)
    assert (len(answer.body), answer.end) == (15, "closed")
    assert int(answer.headers["content-length"]) > 15


def test_a_chunked_body_has_no_end(vendors: FakeVendors) -> None:
    """A chunked body breaks off within: no last chunk, no length."""
    vendors.set_faults([rule("truncated_chunked", byte=15)])
    answer = submit(vendors)
    assert answer.headers["transfer-encoding"] == "chunked"
    assert "content-length" not in answer.headers
    assert not answer.data.endswith(b"0\r\n\r\n")


def test_bodies_are_no_json(vendors: FakeVendors) -> None:
    """Cut JSON, no bytes at all, a page in its place: each is charged, as what the vendor took it keeps."""
    vendors.set_faults(
        [
            rule("bad_json", nth=1),
            rule("empty", nth=2),
            rule("content_type", value="text/html", nth=3),
            rule("gzip", nth=4),
        ]
    )
    cut, empty, page, packed = (submit(vendors) for _ in range(4))
    with pytest.raises(ValueError, match=r".*"):
        _ = cut.json
    assert (empty.status, empty.body) == (200, b"")
    assert page.headers["content-type"] == "text/html"
    assert packed.headers["content-encoding"] == "gzip"
    assert "request_id" in json.loads(gzip.decompress(packed.body))
    assert len(vendors.charges()) == 4


def test_headers_come_twice(vendors: FakeVendors) -> None:
    """The vendor's own headers doubled, or those that a rule gives."""
    vendors.set_faults(
        [rule("duplicate_headers", nth=1), rule("duplicate_headers", headers=[["X-A", "1"], ["X-A", "2"]])]
    )
    first, second = submit(vendors), submit(vendors)
    assert [name for name, _ in first.rows].count("content-length") == 2
    assert [value for name, value in second.rows if name == "x-a"] in (["1", "2"], ["1", "2", "1", "2"])


@pytest.mark.parametrize("status", [100, 102, 103])
def test_an_informational_answer_comes_first(vendors: FakeVendors, status: int) -> None:
    """The real answer follows the informational one on the same connection."""
    vendors.set_faults([rule("early", status=status)])
    answer = submit(vendors)
    assert answer.status == status
    assert Said(answer.body, "closed").status == 200


@pytest.mark.parametrize("status", [302, 307, 308])
def test_redirects_stay_on_this_server(vendors: FakeVendors, status: int) -> None:
    """A POST is sent elsewhere, or to where it was sent; never to another host, and never charged by itself."""
    vendors.set_faults(
        [rule("redirect", status=status, nth=1), rule("redirect", status=status, to="/fal/fal-ai/other/app")]
    )
    same, other = submit(vendors), submit(vendors)
    assert (same.status, same.headers["location"]) == (status, f"http://127.0.0.1:{vendors.port}/fal/fal-ai/flux/dev")
    assert other.headers["location"].endswith("/fal/fal-ai/other/app")
    assert vendors.charges() == []


@pytest.mark.slow
def test_a_late_vendor_charges_though_nobody_waits(vendors: FakeVendors) -> None:
    """A client that leaves before the vendor accepts is charged all the same, later."""
    vendors.set_faults([rule("delay", at="registering", seconds=1.5)])
    assert submit(vendors, wait_s=0.1).end == "open"
    assert vendors.charges() == []
    assert len(vendors.wait_charges(1)) == 1


@pytest.mark.slow
def test_an_answer_is_late_after_the_charge(vendors: FakeVendors) -> None:
    """A delay before the reply: the charge is there before the client has anything."""
    vendors.set_faults([rule("delay", at="replying", seconds=5)])
    answer = submit(vendors, wait_s=0.5)
    assert (answer.data, answer.end, len(vendors.charges())) == (b"", "open", 1)


def test_a_list_is_late(vendors: FakeVendors) -> None:
    """What was taken is not listed for a while, and is found by its id meanwhile."""
    vendors.set_faults([rule("delay", at="listing", seconds=60, nth=1)])
    hidden, shown = submit(vendors).json, submit(vendors).json
    path = "/fal/v1/models/requests/by-endpoint?endpoint_id=fal-ai/flux/dev"
    listed = [item["request_id"] for item in said(vendors, "GET", path).json["items"]]
    assert listed == [shown["request_id"]]
    assert said(vendors, "GET", f"/fal/fal-ai/flux/requests/{hidden['request_id']}/status").status in (200, 202)


@pytest.mark.parametrize("status", [404, 410])
def test_results_are_gone(vendors: FakeVendors, status: int) -> None:
    """The job is known, what it made is not; asked again without the fault it is there."""
    vendors.set_faults([{"fault": "expired", "operation": "result", "status": status, "times": 1}])
    answer = submit(vendors)
    assert result(vendors, answer).status == status
    assert result(vendors, answer).status == 200


def test_two_jobs_share_an_id(vendors: FakeVendors) -> None:
    """By a fault a submission is answered with the id of the one before; both are charged."""
    vendors.set_faults([rule("duplicate_id", nth=2)])
    first, second, third = (submit(vendors).json["request_id"] for _ in range(3))
    assert first == second != third
    assert len(vendors.charges()) == 3


def test_more_is_charged_than_the_price(vendors: FakeVendors) -> None:
    """The ledger and the vendor's own report agree on the higher sum."""
    vendors.set(prices={"fal-ai/flux/dev": 25_000})
    vendors.set_faults([rule("overcharge", factor=4)])
    answer = result(vendors, submit(vendors))
    assert answer.headers["x-fal-billable-units"] == "4"
    assert [(charge.units, charge.microusd) for charge in vendors.charges()] == [(4.0, 100_000)]


@pytest.mark.parametrize("fault", ["wrong_media", "corrupt_media"])
@pytest.mark.parametrize("operation", ["submit", "file"])
def test_artifacts_are_not_what_they_should_be(vendors: FakeVendors, fault: str, operation: str) -> None:
    """Text in the place of a picture, or a picture that is damaged: made so, or fetched so once."""
    vendors.set_faults([{"fault": fault, "operation": operation, "times": 1}])
    url = result(vendors, submit(vendors)).json["images"][0]["url"]
    path = url.removeprefix(f"http://127.0.0.1:{vendors.port}")
    from io import BytesIO

    from PIL import Image

    with pytest.raises((OSError, SyntaxError)), Image.open(BytesIO(said(vendors, "GET", path).body)) as image:
        image.load()
    if operation == "file":
        assert picture_size(said(vendors, "GET", path).body) == (32, 32)


def test_content_is_refused(vendors: FakeVendors) -> None:
    """Where the answer itself is the result, a refusal for content is an error in the vendor's form, paid or not."""
    vendors.set_faults([{"fault": "moderation", "nth": 1}, {"fault": "moderation", "nth": 2, "when": "before"}])
    body = json.dumps({"model": "gpt-image-2", "prompt": "x"}).encode()
    headers = f"Authorization: Bearer {vendors.key('openai')}\r\n"
    for charged in (1, 1):
        answer = openai_image(vendors, body, headers)
        assert (answer.status, answer.json["error"]["code"]) == (400, "moderation_blocked")
        assert len(vendors.charges()) == charged


def openai_image(vendors: FakeVendors, body: bytes, headers: str) -> Said:
    """Ask OpenAI for a picture over a socket."""
    head = f"POST /openai/v1/images/generations HTTP/1.1\r\nHost: x\r\n{headers}Content-Type: application/json\r\n"
    with socket.create_connection(("127.0.0.1", vendors.port), timeout=5) as connection:
        connection.sendall(f"{head}Connection: close\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)
        data = b""
        while chunk := connection.recv(65536):
            data += chunk
    return Said(data, "closed")


def test_a_connection_is_reset_as_it_is_accepted(vendors: FakeVendors) -> None:
    """The first connection dies before a byte is read; the next one is served."""
    vendors.set_faults([{"fault": "hang_up", "nth": 1}])
    with (
        pytest.raises(ConnectionResetError),
        socket.create_connection(("127.0.0.1", vendors.port), timeout=5) as connection,
    ):
        connection.recv(1)
    assert submit(vendors).status == 200
    assert len(vendors.requests()) == 1


@pytest.mark.slow
def test_nobody_listens_for_a_while(vendors: FakeVendors) -> None:
    """Connections are refused, and then they are not."""
    vendors.set_faults([{"fault": "refuse", "seconds": 1}])
    refused, end = False, time.monotonic() + 10
    while time.monotonic() < end:
        try:
            socket.create_connection(("127.0.0.1", vendors.port), timeout=5).close()
        except ConnectionResetError:  # it was on its way in when the door was closed
            continue
        except ConnectionRefusedError:
            refused = True
        else:
            if refused:
                break
    assert refused
    assert submit(vendors).status == 200


def test_rules_count_what_they_name(vendors: FakeVendors) -> None:
    """A rule counts the requests of its vendor, operation and model alone, and strikes the n-th of them."""
    vendors.set_faults([rule("status", model="fal-ai/flux/dev", status=418, nth=[2, 3])])
    assert said(vendors, "POST", "/fal/fal-ai/flux/schnell", BODY).status == 200
    assert [submit(vendors).status for _ in range(4)] == [200, 418, 418, 200]


def test_a_connection_is_kept_and_noted(vendors: FakeVendors) -> None:
    """Two requests on one connection are answered, and the notes say that they shared it."""
    request = b"GET /fal/api/openapi/queue/openapi.json?endpoint_id=a/b HTTP/1.1\r\nHost: x\r\n\r\n"
    with socket.create_connection(("127.0.0.1", vendors.port), timeout=5) as connection:
        connection.sendall(request + request)
        data = b""
        while data.count(b'"openapi"') < 2:
            data += connection.recv(65536)
    first, second = vendors.requests()
    assert first["connection"] == second["connection"]
    assert (first["operation"], first["query"], first["status"]) == ("schema", {"endpoint_id": "a/b"}, 200)


def test_chunked_requests_are_read(vendors: FakeVendors) -> None:
    """A client that sends its body in chunks is understood."""
    head = f"POST /fal/fal-ai/flux/dev HTTP/1.1\r\nHost: x\r\nAuthorization: Key {vendors.key('fal')}\r\n"
    head += "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
    chunks = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in (BODY[:7], BODY[7:])) + b"0\r\n\r\n"
    with socket.create_connection(("127.0.0.1", vendors.port), timeout=5) as connection:
        connection.sendall(head.encode() + chunks)
        assert connection.recv(12) == b"HTTP/1.1 200"
    assert vendors.requests()[0]["json"] == json.loads(BODY)


def test_a_client_that_leaves_within_its_request_is_not_charged(vendors: FakeVendors) -> None:
    """Half a body is no request."""
    head = f"POST /fal/fal-ai/flux/dev HTTP/1.1\r\nHost: x\r\nAuthorization: Key {vendors.key('fal')}\r\n"
    with socket.create_connection(("127.0.0.1", vendors.port), timeout=5) as connection:
        connection.sendall(f"{head}Content-Length: {len(BODY)}\r\n\r\n".encode() + BODY[:10])
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    end = time.monotonic() + 5
    while not (notes := vendors.requests("fal", "submit")) or "bytes" not in notes[0]:
        assert time.monotonic() < end
    assert (notes[0]["complete"], vendors.charges()) == (False, [])


def test_scripts_that_cannot_be_followed_are_refused(vendors: FakeVendors) -> None:
    """A misspelled fault or field is an error at once: a fault that never fires would prove nothing."""
    with pytest.raises(ValueError, match="no such fault: dorp"):
        vendors.set_faults([{"fault": "dorp"}])
    with pytest.raises(ValueError, match="unknown field"):
        vendors.set_faults([{"fault": "drop", "operatoin": "submit"}])
    with pytest.raises(BadScript):
        read_rules(b"{}")
    assert read_rules(b'{"rules": [{"fault": "drop"}]}') == [Rule(fault="drop")]


def test_every_fault_has_a_side_and_counts_by_itself() -> None:
    """Each fault is before or after the charge by default, and each rule counts for itself."""
    assert {side for side, _ in FAULTS.values()} == {"before", "after"}
    script = Script([Rule(fault="drop", nth=2), Rule(fault="gzip", times=1)])
    struck = [[one.fault for one in script.for_request("fal", "submit", "")] for _ in range(3)]
    assert struck == [["gzip"], ["drop"], []]
    assert dict(script.fired) == {"gzip": 1, "drop": 1}


def test_a_rule_is_for_what_a_request_holds() -> None:
    """Of requests that are alike in all else, the one whose body holds the text is struck, and it alone is counted."""
    script = Script([Rule(fault="drop", holding="case 7.", nth=1)])
    bodies = [b"case 6.", b"case 7.", b"case 7.", b""]
    assert [len(script.for_request("fal", "submit", "", body)) for body in bodies] == [0, 1, 0, 0]


def test_a_rule_follows_a_job_by_what_it_was_begun_with(vendors: FakeVendors) -> None:
    """What asks after a job holds nothing itself: the text is looked for in the submission."""
    vendors.set_faults([rule("status", status=503, holding="a lantern") | {"operation": "status"}])
    answer = submit(vendors)
    path = f"/fal/fal-ai/flux/requests/{answer.json['request_id']}/status"
    other = submit(vendors, body=BODY.replace(b"lantern", b"candle")).json["request_id"]
    assert said(vendors, "GET", path).status == 503
    assert said(vendors, "GET", path.replace(answer.json["request_id"], other)).status in {200, 202}


def test_a_job_of_fals_that_fails_is_given_back(vendors: FakeVendors) -> None:
    """The charge and the refund are both on the ledger, and nothing stands; told to fail after its charge, it stands."""
    vendors.set_faults([rule("job_error", nth=1), rule("job_error", nth=2, when="after")])
    for job in (submit(vendors), submit(vendors)):
        assert result(vendors, job).status == 500
    first, second, *more = sorted(vendors.ledger(), key=lambda line: bool(line.refunds))
    assert [line.refunds for line in more] == [first.job]
    assert vendors.charges() == [second]
