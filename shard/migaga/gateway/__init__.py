"""hikari composed into resumable shards: the intake of events, watermarks, sessions, the identify gate."""
