"""Benchmarks that break inputs, runs and model files, and count what is not met as documented."""
