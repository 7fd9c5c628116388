"""Benchmarks: run from the root of the project, e.g. `python -m benchmarks.patterns`."""
