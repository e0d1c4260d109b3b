"""What the bot does: read once, decide purely, act last."""
