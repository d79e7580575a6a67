"""The control API: makes worlds, acts as people, injects faults, reads the ledger; and its Python client."""
