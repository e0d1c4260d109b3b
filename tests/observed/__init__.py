"""What a real kube-proxy did with real packets, and the engine held against it."""
