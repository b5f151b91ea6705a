"""cmd.exe of a simulated host, and the programs that it finds: one line in, output and an exit code out."""
