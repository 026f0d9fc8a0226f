"""A build's result against the oracle's, instance by instance. Knows no expectations of its own."""

from __future__ import annotations

from oracle.builds import Built
from oracle.graph import Oracle
from oracle.worlds import World

from dagcontent.values.value import Blob

_FINE = {"hit", "ran", "cutoff"}


def check_result(built: Built, oracle: Oracle) -> None:
    """Every instance is what a recursion without any store says."""
    for name, one in oracle.instances.items():
        status = built.status.get(name)
        if one.status == "value":
            assert status is None
        elif one.status == "pinned":
            assert status == "pinned", (name, status, one)
        elif one.status == "done":
            assert status in _FINE, (name, status, one)
            found = next(node for node in built.result.nodes if node.node == name)
            if isinstance(one.value, Blob):
                assert found.digest == one.value.digest
        else:
            assert status == one.status, (name, status, one)
    assert set(built.status) <= set(oracle.instances)
    bad = {one.status for one in oracle.instances.values()} & {"failed", "blocked"}
    assert built.result.status == ("failed" if bad else "ok")


def named_outputs(world: World) -> None:
    """Give every node whose value is one file an output that names its dimensions."""
    for name, spec in world.nodes.items():
        if spec["kind"] in {"test.list", "text.split", "test.table", "json.get"}:
            continue
        dims = [*spec.get("each", []), *(["take"] if "takes" in spec else [])]
        spec["output"] = "-".join([name, *(f"${{index.{dim}}}" for dim in dims)])
