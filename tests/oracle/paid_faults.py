"""Faults into one graph with a node for each, built twice: first with them, then without. Knows what each may end as.

A node's prompt names its case, so a rule of the fake vendors strikes its requests alone, and its charges are told from others'.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Literal

import msgspec
from oracle.paid import Bench, Row

from dagcontent.api.result import NodeResult
from dagcontent.testing.vendors.client import BOUNDS

__all__ = [
    "LOUD",
    "QUIET",
    "Case",
    "End",
    "Seen",
    "broken",
    "built_twice",
    "fitted",
    "graph_of_cases",
    "loud",
    "polled",
    "quiet",
]

LOUD: Mapping[str, float] = {**BOUNDS, "answer_s": 30.0, "send_s": 2.0, "inflight_s": 0.5, "list_lag_s": 0.3}
"""Bounds for faults that end the waiting themselves."""
QUIET: Mapping[str, float] = {**BOUNDS, "answer_s": 0.5, "send_s": 2.0, "inflight_s": 2.0, "list_lag_s": 0.5}
"""Bounds for faults that nobody hears of: the waiting ends soon, and a vendor has long to register what it took."""
_MANY = 24
_SAMPLES = frozenset({"google-generate.speech"})
_RAW = frozenset({"openai-speech", "elevenlabs-sound", "elevenlabs-music"})

End = Literal["made", "later", "lost", "paid"]
"""made: by the first build. later: refused, nothing was paid; by the second. lost: found again where the vendor lists it,
else unresolved. paid: what came cannot be used; the charge is kept, and it is not sent again."""
_RAW_ENDS: Mapping[str, End] = {"bad_json": "made", "content_type": "lost"}


class Case(msgspec.Struct, frozen=True):
    """One fault of the request that is paid for, or (`of`) of another operation of the vendor."""

    name: str
    end: End
    fault: str
    how: Mapping[str, Any] = {}
    of: str = ""

    def rule(self, row: Row, text: str) -> dict[str, Any]:
        """Return the rule for one node's requests."""
        struck = {"nth": 1, **self.how, "holding": text}
        return {"fault": self.fault, "vendor": row.vendor, "operation": self.of or row.asked, **struck}


def quiet(offsets: Sequence[int]) -> Iterator[Case]:
    """Give every way in which an answer does not come, or does not go on."""
    for when in ("before", "after"):
        yield Case(f"silent {when}", "lost", "silent", {"when": when})
    for part, byte in (("status", 0), ("status", 7), ("headers", 5), ("headers", 60)):
        yield Case(f"stall in {part} {byte}", "lost", "stall", {"part": part, "byte": byte})
    for byte in offsets:
        yield Case(f"stall in body {byte}", "lost", "stall", {"byte": byte})
    yield Case("answered too late", "lost", "delay", {"at": "replying", "seconds": 1.0})
    yield Case("registered too late", "lost", "delay", {"seconds": 1.0})


def loud(offsets: Sequence[int]) -> Iterator[Case]:
    """Give every fault of an answer and of a refusal; broken off at so many bytes of the body."""
    for part, byte in (("status", 0), ("status", 7), ("headers", 5), ("headers", 60)):
        yield Case(f"reset in {part} {byte}", "lost", "reset", {"part": part, "byte": byte})
    for byte in offsets:
        yield Case(f"reset in body {byte}", "lost", "reset", {"byte": byte})
    for byte in offsets[:: max(1, len(offsets) // 4)]:
        yield Case(f"truncated {byte}", "lost", "truncated", {"byte": byte})
        yield Case(f"truncated chunk {byte}", "lost", "truncated_chunked", {"byte": byte})
    for when in ("before", "after"):
        yield Case(f"drop {when}", "lost", "drop", {"when": when})
        yield Case(f"reset {when}", "lost", "reset", {"part": "status", "byte": 0, "when": when})
        yield from _errors(when)
    for status in (400, 404, 422):
        yield Case(f"{status}", "later", "status", {"status": status})
    yield Case("429 with a pause", "made", "status", {"status": 429, "retry_after": 0.05})
    yield Case("429", "made", "status", {"status": 429})
    for status in (301, 302, 303, 307, 308):
        yield Case(f"redirected by {status}", "lost", "redirect", {"status": status})
    yield Case("redirected elsewhere", "lost", "redirect", {"to": "/fal/fal-ai/flux/dev"})
    for status in (100, 102, 103):
        yield Case(f"{status} first", "made", "early", {"status": status})
    yield Case("bad JSON", "lost", "bad_json")
    yield Case("empty", "lost", "empty")
    yield Case("gzip", "made", "gzip")
    yield Case("another type", "made", "content_type")
    yield Case("no type", "made", "content_type", {"value": "?"})
    yield Case("doubled headers", "made", "duplicate_headers")
    yield Case("registered late", "made", "delay", {"seconds": 0.3})
    yield Case("answered late", "made", "delay", {"at": "replying", "seconds": 0.3})
    yield Case("moderated", "paid", "moderation")
    yield Case("wrong media", "paid", "wrong_media")
    yield Case("corrupt media", "paid", "corrupt_media")


def _errors(when: str) -> Iterator[Case]:
    """Give the errors after which nobody knows whether the request was taken."""
    for status in (408, 409, 425, 500, 502, 503, 504):
        how = {"status": status, "when": when}
        yield Case(f"{status} {when}", "lost", "status", how)
        yield Case(f"{status} {when} with a pause", "lost", "status", {**how, "retry_after": 0.1})
    yield Case(f"gateway's page {when}", "lost", "status", {"status": 502, "code": "nginx", "when": when})


def polled(operation: str) -> Iterator[Case]:
    """Give the faults of one question after a job: asking is free, so it is asked again, and nothing is sent again."""
    for status in (408, 409, 425, 429, 500, 502, 503, 504):
        yield Case(f"{operation} {status}", "made", "status", {"status": status, "retry_after": 0.1}, operation)
    for fault in ("drop", "bad_json", "empty", "redirect", "gzip", "early", "duplicate_headers"):
        yield Case(f"{operation} {fault}", "made", fault, of=operation)
    for part, byte in (("status", 0), ("headers", 7), ("body", 0), ("body", 9)):
        yield Case(f"{operation} reset in {part} {byte}", "made", "reset", {"part": part, "byte": byte}, operation)
    yield Case(f"{operation} truncated", "made", "truncated", {"byte": 9}, operation)
    yield Case(f"{operation} truncated chunk", "made", "truncated_chunked", {"byte": 9}, operation)
    yield Case(f"{operation} gateway's page", "made", "status", {"status": 502, "code": "nginx"}, operation)
    yield Case(f"{operation} is bad twice", "made", "bad_json", {"nth": [1, 2]}, operation)
    yield Case(f"{operation} fails five times", "made", "status", {"status": 500, "nth": [1, 2, 3, 4, 5]}, operation)


def fitted(row: Row, table: Iterable[Case]) -> list[Case]:
    """Return the cases that a row can have, with the ends that its vendor's own rules give them.

    A text has no media to be damaged, and of bare samples nobody can tell. A recording that is the whole answer has no form that could be broken, but a type.
    OpenRouter answers 503 where it asked nobody; ElevenLabs charges for nothing that it refuses.
    """
    found = []
    for case in table:
        one = case
        if case.fault.endswith("_media") and (row.output not in {"image", "audio", "video"} or row.name in _SAMPLES):
            continue
        if row.vendor == "openrouter" and case.how.get("status") == 503 and not case.of:
            if case.how["when"] == "after":
                continue
            one = msgspec.structs.replace(case, end="made")
        if row.vendor == "elevenlabs" and case.fault == "moderation":
            one = msgspec.structs.replace(case, end="later", how={"when": "before"})
        if row.name in _RAW and case.fault in _RAW_ENDS and case.name != "no type":
            one = msgspec.structs.replace(case, end=_RAW_ENDS[case.fault])
        found.append(one)
    return found


class Seen(msgspec.Struct, frozen=True):
    """What became of one case: its node after each build, its requests, what stands on the ledger, and
    the state of the last attempt.
    """

    case: Case
    first: NodeResult
    second: NodeResult
    posts: int
    charges: int
    state: str


def _text_of(number: int) -> str:
    return f"case {number:03} of many"


def _id_of(number: int) -> str:
    return f"it[c{number:03}]"


def graph_of_cases(row: Row, count: int) -> str:
    """Return a graph with one node, fanned out over the cases."""
    texts = ", ".join(f'{{ id = "c{n:03}", text = "{_text_of(n)}" }}' for n in range(count))
    lines = row.lines.replace("WORD", "${case.text}")
    return (
        f'[graph]\nname = "cases"\n[each]\ncase = [{texts}]\n'
        f'[node.it]\nkind = "{row.kind}"\nmodel = "{row.vendor}/{row.model}"\neach = "case"\n{lines}\n'
    )


def built_twice(bench: Bench, row: Row, table: Sequence[Case], bounds: Mapping[str, float]) -> list[Seen]:
    """Build with the faults, then without; return what became of each case."""
    bench.write(graph_of_cases(row, len(table)))
    bench.vendors.set_faults([case.rule(row, _text_of(n)) for n, case in enumerate(table)])
    first = {node.node: node for node in bench.build(bounds, concurrency=_MANY).nodes}
    bench.vendors.set_faults([])
    second = {node.node: node for node in bench.build(bounds, concurrency=_MANY).nodes}
    case_of: dict[str, str] = {}  # of the digest of a request's body
    posts: Counter[str] = Counter()
    stands = bench.charges()
    for request in bench.posts():
        case_of[request["body"]] = next(
            _id_of(n) for n in range(len(table)) if _text_of(n) in str(request.get("json") or request.get("form"))
        )
        posts[case_of[request["body"]]] += 1
    charges = Counter(case_of[charge.body] for charge in stands)
    attempts = sorted(bench.attempts(), key=lambda attempt: attempt.id)
    state = {attempt.intent.instance: attempt.state.value for attempt in attempts}
    return [
        Seen(case, first[name], second[name], posts[name], charges[name], state.get(name, ""))
        for case, name in ((case, _id_of(n)) for n, case in enumerate(table))
    ]


def broken(seen: Seen, row: Row) -> list[str]:
    """Return every promise that is broken for one case."""
    wrong = []
    first, second, case = seen.first, seen.second, seen.case
    words = f"{first.error} {first.hint} {second.error} {second.hint}"
    if seen.charges > 1:
        wrong.append(f"paid {seen.charges} times")
    if "please report" in words or "Traceback" in words:
        wrong.append("an error of ours")
    for node in (first, second):
        if (node.status == "unresolved") != (node.job is not None):
            wrong.append(f"{node.status} and {'a' if node.job else 'no'} request that is under way")
        if node.status in {"failed", "unresolved"} and not node.error:
            wrong.append("no word of what happened")
    ends = {
        "made": [("ran", "hit")],
        "later": [("failed", "ran")],
        "paid": [("failed", "failed")],
        "lost": [("ran", "hit")] if row.found else [("unresolved", "unresolved")],
    }[case.end]
    if (first.status, second.status) not in ends:
        wrong.append(f"{first.status}, then {second.status}")
    if case.end == "paid" and not (seen.state == "charged" and seen.charges == 1):
        wrong.append("the charge is not kept")
    if second.status in {"ran", "hit"} and seen.charges != 1:
        wrong.append("a result that nobody paid for")
    if seen.posts != 1 and not _may_send_again(seen):
        wrong.append(f"{seen.posts} requests")
    return wrong


def _may_send_again(seen: Seen) -> bool:
    """Whether a second request was right: the first was refused, or certainly never was."""
    return seen.posts == 2 and seen.second.status in {"ran", "hit"} and seen.charges == 1
