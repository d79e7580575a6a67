"""The process `migaga operator`: watches, reconciles, and is one of its kind."""
