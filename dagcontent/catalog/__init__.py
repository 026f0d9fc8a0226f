"""Models as data, one TOML file a vendor, into capabilities, requests and bounds. Knows no network."""
