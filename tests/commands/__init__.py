"""The subcommands, one by one."""
