"""Turn graphs, plans and results into pictures and pages that stand in files. Knows no store and no policy."""
