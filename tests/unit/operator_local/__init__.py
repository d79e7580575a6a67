"""Unit tests of `migaga up`."""
