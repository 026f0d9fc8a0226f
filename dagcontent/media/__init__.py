"""Local, free calls: from parameters and input files to files and facts. Knows no keys, no graph, no store."""
