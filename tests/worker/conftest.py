"""The databases that a worker works on."""

from tests.adapters.store.databases import empty_url, url

__all__ = ["empty_url", "url"]
