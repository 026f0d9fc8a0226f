"""A Pipeline into a linked, checked, expandable Graph. Knows no prices, no store, no file's content."""
