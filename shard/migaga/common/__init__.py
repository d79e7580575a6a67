"""What every process shares and what imports nothing heavy: errors, settings, logging, text."""
