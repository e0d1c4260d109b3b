"""Tests, in storeys; see docs/architecture.md."""
