"""Slack in: parse at the edge, one operation, render."""
