"""Runs of a real fleet against the emulator, judged by the ledger."""
