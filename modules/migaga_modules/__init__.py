"""The feature modules that come with Migaga, one folder each."""
