"""An hour of trouble in minutes: at the end the cache is the truth, and what was told is what was."""
