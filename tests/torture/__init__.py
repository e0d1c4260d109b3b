"""Torture: real `serve` processes over the simulated world, raced, cut off and killed, and what came of it counted."""
