"""The database: engine, tables, migrations and stores. Knows neither hikari nor Discord's payloads."""
