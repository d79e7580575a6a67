"""The module that is always loaded: help, privacy, options, access, modules."""
