"""The field's words as immutable types. Knows no I/O."""
