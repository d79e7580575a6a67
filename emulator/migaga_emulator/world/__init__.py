"""The emulated Discord: guilds, people, messages, commands; what changes them; and how they look on the wire."""
