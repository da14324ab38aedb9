"""The command line: one module per command, each its arguments and then one call. `main` is the only place that exits,
`terminal` the only one that prompts and prints."""
