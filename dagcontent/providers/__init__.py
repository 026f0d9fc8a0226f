"""Calls of models into vendors' answers: one module a vendor, one gate before the wire. Knows no graph, key, budget or store."""
