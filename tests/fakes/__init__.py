"""Twins of the ports, in memory, held to the same contract tests as the real adapters."""
