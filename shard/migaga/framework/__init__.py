"""The module system: from a decorated class to handlers that run."""
