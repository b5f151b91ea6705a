"""One file a command: options in, a run or a view out. `cli.app` has the table of them."""
