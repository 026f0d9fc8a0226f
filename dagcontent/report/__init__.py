"""Turn graphs and plans into pictures that stand in files. Knows no store and no policy."""
