"""Declarations of every node kind, one module a medium. Knows no file, no graph, no vendor."""
