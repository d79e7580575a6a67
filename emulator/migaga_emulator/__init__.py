"""A Discord gateway and REST emulator with fault injection and a ledger."""
