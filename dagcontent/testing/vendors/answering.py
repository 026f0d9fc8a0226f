"""A response and the faults that strike it into the bytes that go out and how they end. Knows no sockets and no charge."""

from __future__ import annotations

import gzip
from typing import Literal

import msgspec

from dagcontent.testing.vendors.faults import Rule
from dagcontent.testing.vendors.vendor import Exchange
from dagcontent.testing.vendors.wire import Response, framed

__all__ = ["Outgoing", "outgoing", "refused_early"]

End = Literal["keep", "close", "reset", "stall"]
_DOUBLED = ("content-length", "x-request-id", "x-fal-request-id", "content-type")


class Outgoing(msgspec.Struct, frozen=True):
    """What goes out, and then: the connection stays, is closed, is reset, or says no more."""

    data: bytes
    end: End


def refused_early(exchange: Exchange) -> Response | None:
    """Return what a request is answered with before its vendor accepts it, or None: nothing strikes there."""
    for rule in exchange.rules:
        if rule.after or rule.fault in ("delay", "early", "overcharge", "duplicate_id"):
            continue
        if exchange.route.job and rule.fault in ("moderation", "job_error"):
            continue
        return _replaced(exchange, rule) or exchange.vendor.refusal(503)
    return None


def outgoing(exchange: Exchange, response: Response, *, close: bool) -> Outgoing:
    """Return a response's bytes as its request's rules leave them, in their order."""
    end: End = "close" if close else "keep"
    cut: Rule | None = None
    for rule in exchange.rules:
        if rule.fault in ("silent", "drop"):
            return Outgoing(b"", "stall" if rule.fault == "silent" else "close")
        response = (_replaced(exchange, rule) if rule.after else None) or response
        _bent(response, rule)
        if rule.fault in ("reset", "stall", "truncated", "truncated_chunked"):
            cut = rule
    head, body = framed(response, close=close or cut is not None)
    if cut is None:
        return Outgoing(head + body, end)
    return _cut(head, body, cut)


def _replaced(exchange: Exchange, rule: Rule) -> Response | None:
    vendor = exchange.vendor
    response: Response | None = None
    if rule.fault == "status":
        response = vendor.refusal(rule.status or 500, code=rule.code)
        response.headers = [*response.headers, *rule.headers]
    elif rule.fault == "expired":
        response = vendor.refusal(rule.status or 404, message="the result is no longer kept")
    elif rule.fault == "moderation" and not exchange.route.job:
        response = vendor.moderated()
    elif rule.fault == "job_error" and not exchange.route.job:
        response = vendor.refusal(rule.status or 500, code=rule.code)
    elif rule.fault == "redirect":
        target = rule.to or exchange.request.target
        response = Response(status=rule.status or 307, headers=[("Location", exchange.realm.origin + target)])
    if response is not None and rule.retry_after is not None:
        response.with_header("Retry-After", f"{rule.retry_after:g}")
    return response


def _bent(response: Response, rule: Rule) -> None:
    """Change a response in place."""
    if rule.fault == "bad_json":
        response.body = response.body[: max(1, len(response.body) // 2)] + b'\x00{"'
    elif rule.fault == "content_type":
        response.with_header("Content-Type", rule.value)
    elif rule.fault == "empty":
        response.body = b""
    elif rule.fault == "gzip":
        response.body = gzip.compress(response.body, mtime=0)
        response.with_header("Content-Encoding", "gzip")
    elif rule.fault == "duplicate_headers":
        own = [("Content-Length", str(len(response.body)))] if not response.pieces else []
        own += [(name, value) for name, value in response.headers if name.lower() in _DOUBLED]
        response.headers = [*response.headers, *(rule.headers or own)]
    elif rule.fault == "truncated":
        response.pieces = 0
    elif rule.fault == "truncated_chunked":
        response.pieces = max(2, response.pieces)


def _cut(head: bytes, body: bytes, rule: Rule) -> Outgoing:
    ends: dict[str, End] = {"reset": "reset", "stall": "stall"}
    start = {"status": 0, "headers": head.index(b"\r\n") + 2}.get(rule.part, len(head))
    whole = head + body
    # What is to be cut is not sent whole, however short it is.
    return Outgoing(whole[: min(start + rule.byte, len(whole) - 1)], ends.get(rule.fault, "close"))
