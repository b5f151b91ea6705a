"""Windows' side of the state: registry trees are read into it, changes are turned into calls of cmdlets. Pure."""
