"""Kubernetes clusters: a cache fed by watches, and few, narrow writes, behind `bot.ports.Clusters`."""
