"""Datasets: numbered versions, by reference or of files, and the lineage of runs, datasets and models."""
