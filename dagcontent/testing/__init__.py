"""What kinds and stores of others test themselves with: crash points, a ledger of calls, a suite for implementations.

Public, and the same that dagcontent's own tests use. Knows no test framework: what does not hold is an AssertionError.
"""

from __future__ import annotations

from dagcontent.testing.conformance import check_declaration, check_implementation
from dagcontent.testing.crash import CrashAt, Points
from dagcontent.testing.ledger import CountedRegistry, Ledger, call_identity

__all__ = [
    "CountedRegistry",
    "CrashAt",
    "Ledger",
    "Points",
    "call_identity",
    "check_declaration",
    "check_implementation",
]
