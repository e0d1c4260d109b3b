"""The watch: what changes in the clusters becomes incidents, told by one replica for each cluster."""

from bot.watch.watch import Watch

__all__ = ["Watch"]
