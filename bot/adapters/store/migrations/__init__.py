"""Alembic's scripts; shipped in the wheel, run by `migrate`."""
