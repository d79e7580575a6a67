"""Who owns which shard, and how shards move between processes: deciding code without clock, database or socket."""
