"""`elb-passthrough explain`, as a script would use it."""
