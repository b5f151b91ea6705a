"""What stands in the way of work on a host: one table of checks, from which `ping`, `doctor` and the guide page derive. Pure."""
