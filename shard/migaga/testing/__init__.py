"""Test modules against an emulated Discord: see docs/modules.md, "Testing a module"."""
