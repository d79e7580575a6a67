"""`migaga up` with real shard processes."""
