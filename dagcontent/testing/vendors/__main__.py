"""Arguments into a program that serves every fake vendor until it is told to stop. Knows no vendor."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
import sys
import time
from pathlib import Path

from dagcontent.testing.vendors.client import FakeVendors
from dagcontent.testing.vendors.faults import BadScript, Rule, Script, read_rules
from dagcontent.testing.vendors.ledger import ChargeLedger
from dagcontent.testing.vendors.realm import Realm
from dagcontent.testing.vendors.server import Server

__all__ = ["main"]


def main() -> None:
    """Serve. The first line on standard output says where, as JSON."""
    parser = argparse.ArgumentParser(
        prog="python -m dagcontent.testing.vendors",
        description="Fake vendors on this machine, with a ledger of charges.",
    )
    parser.add_argument("--port", type=int, default=0, help="0: any that is free")
    parser.add_argument("--ledger", type=Path, metavar="FILE", help="where every charge is written, synced")
    parser.add_argument("--faults", type=Path, metavar="SCRIPT", help="a JSON list of rules")
    parser.add_argument(
        "--config", type=Path, metavar="FILE", help="write a configuration that names this program there"
    )
    parser.add_argument("--requests", type=Path, metavar="FILE", help="where every request is noted")
    parser.add_argument("--until-stdin-ends", action="store_true", help="stop when standard input is closed")
    given = parser.parse_args()
    try:
        rules = read_rules(given.faults) if given.faults is not None else []
    except BadScript as error:
        parser.error(str(error))
    realm = Realm(ChargeLedger(given.ledger), Script(), now_ms=_now_ms, requests=given.requests)
    asyncio.run(_serve(realm, rules, given.port, given.config, until_stdin_ends=given.until_stdin_ends))


async def _serve(realm: Realm, rules: list[Rule], port: int, config: Path | None, *, until_stdin_ends: bool) -> None:
    server = Server(realm)
    await server.start(port)
    if config is not None:
        _write_config(config, server.base_urls)
    server.control.follow(rules)
    over = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, over.set)
    if until_stdin_ends:
        loop.add_reader(sys.stdin.fileno(), _read, over)
    where = {"port": server.port, "control_port": server.control_port, "base_urls": server.base_urls}
    print(json.dumps(where), flush=True)  # noqa: T201 - how whoever starts it learns where it is
    await over.wait()


def _write_config(file: Path, base_urls: dict[str, str]) -> None:
    """Write a user's configuration, and say how it is used."""
    names = FakeVendors()
    names.base_urls = base_urls
    file.write_text(names.config_toml({"answer_s": 60.0}), encoding="utf-8")
    lines = [f"export DAGCONTENT_CONFIG={file.resolve()}"]
    lines += [f"export {name}={value}" for name, value in names.environment.items()]
    print("\n".join(lines), file=sys.stderr, flush=True)  # noqa: T201 - for people; what programs read is on standard output


def _read(over: asyncio.Event) -> None:
    if not os.read(sys.stdin.fileno(), 4096):
        over.set()


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


if __name__ == "__main__":
    main()
