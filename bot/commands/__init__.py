"""The subcommands, one module each, imported only when asked for."""
