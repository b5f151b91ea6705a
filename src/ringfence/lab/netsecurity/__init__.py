"""The cmdlets of the module NetSecurity: what they take, what Windows refuses, and what they write to the registry."""
