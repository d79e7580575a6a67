"""The gateway: sessions, IDENTIFY budget and buckets, replay buffers, compression, intents and send limits."""
