"""Migaga's shard runtime and module API.

This package imports nothing by itself, because the command line, the emulator and the operator load parts of it
without hikari or SQLAlchemy. Module authors import from `migaga.api`.
"""

__version__ = "5.0.0.dev0"
