"""The composition roots of the processes."""
