"""What kinds, stores and providers of others test themselves with: crash points, a ledger of calls, suites.

Public, and the same that dagcontent's own tests use. Knows no test framework: what does not hold is an AssertionError.
"""

from __future__ import annotations

from dagcontent.testing.conformance import check_declaration, check_implementation
from dagcontent.testing.crash import CrashAt, Points
from dagcontent.testing.ledger import CountedRegistry, Ledger, call_identity
from dagcontent.testing.provider_conformance import check_provider

__all__ = [
    "CountedRegistry",
    "CrashAt",
    "Ledger",
    "Points",
    "call_identity",
    "check_declaration",
    "check_implementation",
    "check_provider",
]
