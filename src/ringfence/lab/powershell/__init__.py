"""A real PowerShell on a simulated host: the modules it loads, and the socket on which the machine answers them."""
