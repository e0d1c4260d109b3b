"""The whole thing over real wires: simulated cluster, cloud and Slack, and the unmodified bot in a process."""
