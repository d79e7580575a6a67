"""The ledger: every event that was published to a bot, every effect that was seen, and what became of them."""
