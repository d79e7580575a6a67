"""The fleet at run time: lets `migaga.continuity` act on rows and connections. See docs/architecture.md."""
