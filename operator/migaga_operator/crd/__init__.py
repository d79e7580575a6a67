"""The custom resource `botdeployments.migaga.dev`: its typed spec, its rules, and the YAML made of them."""
