"""The edge to the Kubernetes API server: the only package that loads its client."""
