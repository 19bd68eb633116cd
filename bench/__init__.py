"""Benchmarks. Each is a module that prints what it measured: ``python -m bench.hear``."""
