"""Texts that `migaga new` writes."""
