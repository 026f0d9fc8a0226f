"""A build's result against the oracle's, instance by instance. Knows no expectations of its own."""

from __future__ import annotations

from oracle.builds import Built
from oracle.graph import Oracle
from oracle.worlds import World

from dagcontent.values.value import Blob

_FINE = {"hit", "ran", "cutoff"}
_SHOWN = {"held": "blocked"}


def check_result(built: Built, oracle: Oracle) -> None:
    """Every instance is what a recursion without any store says."""
    for name, one in oracle.instances.items():
        status = built.status.get(name)
        if name not in oracle.asked:
            assert status is None or ("*" in name and status == _SHOWN.get(one.status, one.status)), (name, status, one)
        elif name in oracle.passed:
            assert status == "passed_over", (name, status, one)
        elif one.status == "value":
            assert status is None, (name, status, one)
        elif one.status == "pinned":
            assert status == "pinned", (name, status, one)
        elif one.status == "done":
            assert status in _FINE, (name, status, one)
            found = next(node for node in built.result.nodes if node.node == name)
            if isinstance(one.value, Blob):
                assert found.digest == one.value.digest
        else:
            assert status == _SHOWN.get(one.status, one.status), (name, status, one)
    assert set(built.status) <= set(oracle.instances)
    found = {one.status for name, one in oracle.instances.items() if name in oracle.asked - oracle.passed}
    waits = "waiting" in found
    bad = "failed" in found or ("blocked" in found and not waits)
    assert built.result.status == ("failed" if bad else "waiting" if waits else "ok")


def named_outputs(world: World) -> None:
    """Give every node whose value is one file an output that names its dimensions."""
    for name, spec in world.nodes.items():
        if spec["kind"] in {"test.list", "text.split", "test.table", "json.get"}:
            continue
        dims = [*spec.get("each", []), *(["take"] if "takes" in spec else [])]
        spec["output"] = "-".join([name, *(f"${{index.{dim}}}" for dim in dims)])
