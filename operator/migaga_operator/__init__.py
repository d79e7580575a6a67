"""The Kubernetes operator of Migaga: keeps fleets as `BotDeployment` objects ask for.

Everything in here but the operator process itself is pure: what the API server and the pods say comes in as plain
data, and what is to be done goes out as operations. Nothing in here loads hikari or SQLAlchemy.
"""
