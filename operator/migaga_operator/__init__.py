"""The Kubernetes operator (its place; it comes with its own issue)."""
