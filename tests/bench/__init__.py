"""Benchmarks: ratios against peers within one run, because these machines are noisy. `make bench` runs them."""
