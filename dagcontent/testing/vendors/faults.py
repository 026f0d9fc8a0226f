"""A script of faults into what shall go wrong with a request. Knows no wire and no vendor.

A rule names a fault and the requests it is for: `vendor`, `operation`, `model` and `holding`, a text that the body holds or,
for what asks after a job, the job's own (each may be left out), and which of the requests that match, counted from 1 for each rule: `nth` (a number or a list; left out: every one) and at most `times` of them.
`when` says whether it strikes before the vendor accepts and charges, or after; each fault has its own usual side.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Literal

import msgspec

__all__ = ["FAULTS", "OF_CONNECTIONS", "BadScript", "Rule", "Script", "read_rules"]

FAULTS: Mapping[str, tuple[str, str]] = {
    "delay": (
        "before",
        "`seconds` of waiting `at` registering (before the charge), replying (after), or listing (hidden)",
    ),
    "silent": ("after", "no answer, ever; the connection stays open until the client leaves"),
    "drop": ("after", "the connection is closed instead of an answer"),
    "reset": ("after", "reset at `byte` of the `part` of the answer: status, headers, body; or of the request"),
    "stall": ("after", "the answer stops at `byte` of its `part` and never goes on"),
    "status": (
        "before",
        "the vendor's own form of an error `status`, its variant `code`, with or without `retry_after`",
    ),
    "moderation": ("after", "refused for its content, in the vendor's form"),
    "job_error": ("after", "the job fails with `status`, in the vendor's form"),
    "expired": ("before", "what is asked for is kept no longer: 404, or `status`"),
    "truncated": ("after", "the body ends after `byte` bytes, short of its Content-Length"),
    "truncated_chunked": ("after", "a chunked body ends after `byte` bytes, without its last chunk"),
    "bad_json": ("after", "the body is cut, and is no JSON"),
    "content_type": ("after", "the content type is `value`"),
    "empty": ("after", "a body of no bytes"),
    "wrong_media": ("after", "text in the place of every artifact"),
    "corrupt_media": ("after", "artifacts that begin well and are damaged"),
    "duplicate_id": ("after", "the id of the job before"),
    "overcharge": ("after", "`factor` times the price, charged and reported"),
    "untold": ("after", "the answer says nothing of its cost"),
    "mistold": ("after", "the answer says that it cost `value`, whatever was charged"),
    "redirect": ("before", "redirected by `status` (307, 302, 308) `to` another path of this server, or to the same"),
    "early": ("after", "an informational answer, `status` 100, 102 or 103, before the real one"),
    "duplicate_headers": ("after", "`headers` once more, or the vendor's own twice"),
    "gzip": ("after", "the body is compressed, asked for or not"),
    "hang_up": ("before", "the connection is reset as it is accepted; counts connections, knows no vendor"),
    "refuse": ("before", "nobody listens for `seconds`, from when the rule is given"),
}
"""Fault -> (its usual side of the charge, what it does)."""

OF_CONNECTIONS = frozenset({"hang_up", "refuse"})


class BadScript(ValueError):  # noqa: N818 - says what is bad
    """A script that cannot be followed."""


class Rule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One row of a script. `FAULTS` says which fields a fault reads."""

    fault: str
    vendor: str = ""
    operation: str = ""
    model: str = ""
    holding: str = ""
    nth: int | list[int] | None = None
    times: int | None = None
    when: Literal["before", "after", ""] = ""
    at: Literal["registering", "listing", "replying"] = "registering"
    part: Literal["request", "status", "headers", "body"] = "body"
    seconds: float = 0.1
    byte: int = 10
    status: int = 0
    code: str = ""
    retry_after: float | None = None
    to: str = ""
    value: str = "text/html"
    factor: float = 3.0
    headers: list[tuple[str, str]] = []

    @property
    def after(self) -> bool:
        """Whether it strikes when the vendor has accepted and charged."""
        if self.when:
            return self.when == "after"
        if self.fault == "delay":
            return self.at != "registering"
        return FAULTS[self.fault][0] == "after"

    @property
    def of_request(self) -> bool:
        """Whether it breaks off the request itself."""
        return self.fault == "reset" and self.part == "request"

    def matches(self, vendor: str, operation: str, model: str, body: bytes = b"") -> bool:
        """Whether a request is one of those that are counted."""
        asked = ((self.vendor, vendor), (self.operation, operation), (self.model, model))
        return all(not wanted or wanted == given for wanted, given in asked) and self.holding.encode() in body


class Script:
    """The rules in force, and how often each has been looked at and has struck."""

    def __init__(self, rules: Sequence[Rule] = ()) -> None:
        self.fired: Counter[str] = Counter()
        self._rules: list[Rule] = []
        self._seen: list[int] = []
        self._struck: list[int] = []
        self.add(rules)

    def add(self, rules: Sequence[Rule]) -> None:
        """Append rules."""
        self._rules += rules
        self._seen += [0] * len(rules)
        self._struck += [0] * len(rules)

    def clear(self) -> None:
        """Drop every rule; what has fired stays counted."""
        self._rules, self._seen, self._struck = [], [], []

    def for_request(self, vendor: str, operation: str, model: str, body: bytes = b"") -> list[Rule]:
        """Count a request that has come whole, and return the rules that strike it."""
        return self._striking(
            lambda rule: (
                rule.fault not in OF_CONNECTIONS
                and not rule.of_request
                and rule.matches(vendor, operation, model, body)
            )
        )

    def for_head(self, vendor: str, operation: str) -> Rule | None:
        """Count a request whose head has come, and return the rule that breaks it off; it can name no model."""
        found = self._striking(lambda rule: rule.of_request and rule.matches(vendor, operation, ""))
        return found[0] if found else None

    def for_connection(self) -> list[Rule]:
        """Count a connection, and return the rules that strike it."""
        return self._striking(lambda rule: rule.fault == "hang_up")

    def _striking(self, counts: Callable[[Rule], bool]) -> list[Rule]:
        found = []
        for index, rule in enumerate(self._rules):
            if not counts(rule):
                continue
            self._seen[index] += 1
            chosen = rule.nth is None or self._seen[index] in ([rule.nth] if isinstance(rule.nth, int) else rule.nth)
            if chosen and (rule.times is None or self._struck[index] < rule.times):
                self._struck[index] += 1
                self.fired[rule.fault] += 1
                found.append(rule)
        return found


def read_rules(source: Path | bytes) -> list[Rule]:
    """Return the rules of a script: a JSON list, or an object with `rules`. Raises BadScript."""
    try:
        value = json.loads(source.read_bytes() if isinstance(source, Path) else source)
        rules = msgspec.convert(value["rules"] if isinstance(value, dict) else value, list[Rule])
    except (OSError, ValueError, KeyError) as error:
        text = f"the script of faults cannot be read: {error}"
        raise BadScript(text) from error
    unknown = sorted({rule.fault for rule in rules} - set(FAULTS))
    if unknown:
        text = f"no such fault: {', '.join(unknown)}; there are {', '.join(FAULTS)}"
        raise BadScript(text)
    return rules
