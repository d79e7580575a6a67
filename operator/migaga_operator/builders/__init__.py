"""Pure builders of the Kubernetes objects that belong to a bot, one file per kind. `planner.py` calls `build_all`."""
