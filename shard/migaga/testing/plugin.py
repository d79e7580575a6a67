"""Fixtures with which a module author tests a module against the emulator."""
