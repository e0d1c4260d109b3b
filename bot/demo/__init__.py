"""The simulated world: real servers on loopback ports that speak to the bot over the wire only."""
