"""The documentation as a site: its pages are those of the repository, put together for the generator."""
