"""Benchmarks: figures as ratios beside a baseline that runs at the same time, for machines are noisy."""
