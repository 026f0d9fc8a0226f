"""What a test asks the program itself: ledger, requests, faults, settings. Knows no vendor."""

from __future__ import annotations

import json
from collections.abc import Callable

import msgspec

from dagcontent.testing.vendors.faults import BadScript, Rule, read_rules
from dagcontent.testing.vendors.realm import Realm, Settings
from dagcontent.testing.vendors.wire import Request, Response, json_response

__all__ = ["PREFIX", "Control"]

PREFIX = "/_control/"


class Control:
    """Answers below `PREFIX`. `refuse(seconds)` stops listening for a while."""

    def __init__(self, realm: Realm, refuse: Callable[[float], None]) -> None:
        self._realm = realm
        self._refuse = refuse

    def answer(self, request: Request) -> Response:
        """Answer a request."""
        realm, asked = self._realm, (request.method, request.path.removeprefix(PREFIX))
        try:
            if asked == ("GET", "ledger"):
                return json_response([msgspec.to_builtins(charge) for charge in realm.ledger.charges])
            if asked == ("GET", "requests"):
                return json_response(realm.requests)
            if asked == ("GET", "fired"):
                return json_response(dict(realm.script.fired))
            if asked == ("GET", "errors"):
                return json_response(realm.errors)
            if asked == ("POST", "faults"):
                self.follow(read_rules(request.body), keep=bool(request.asked("add")))
                return json_response({"rules": "in force"})
            if asked == ("POST", "settings"):
                old = msgspec.to_builtins(realm.settings)
                realm.settings = msgspec.convert({**old, **json.loads(request.body)}, Settings)
                return json_response(msgspec.to_builtins(realm.settings))
            if asked == ("POST", "reset"):
                realm.clear()
                return json_response({"realm": "as at the start"})
        except (BadScript, ValueError, TypeError) as error:
            return json_response({"error": str(error)}, 400)
        return json_response({"error": f"there is no {request.method} {request.path}"}, 404)

    def follow(self, rules: list[Rule], *, keep: bool = False) -> None:
        """Put rules in force, in the place of the others or (`keep`) after them."""
        if not keep:
            self._realm.script.clear()
        self._realm.script.add(rules)
        for rule in rules:
            if rule.fault == "refuse":
                self._realm.script.fired["refuse"] += 1
                self._refuse(rule.seconds)
