"""What is, what may be, what is allowed: values and functions. No I/O, no clock, no log."""
