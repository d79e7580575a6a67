"""Discord's REST API over the emulated world: routes, rate limits, errors, faults."""
