"""TOML into a typed Pipeline, with a span for every key. Knows the kinds' declarations, not what models can do."""
