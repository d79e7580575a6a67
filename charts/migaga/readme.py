"""Makes the chart's README.md of Chart.yaml, values.yaml and values.schema.json: `python charts/migaga/readme.py`.

A test compares the page with what this makes.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path

import yaml

CHART = Path(__file__).parent
Node = Mapping[str, object]

_INTRODUCTION = """# Chart migaga

<!-- Made by `python charts/migaga/readme.py`. Change values.schema.json, values.yaml or that script instead. -->

The operator of Migaga {version}, the definition of `BotDeployment`, and the rights that the operator needs. Kubernetes
{kubernetes} and later. [docs/operating.md](../../docs/operating.md) tells how bots are run with it.

```
helm install migaga charts/migaga --namespace migaga --create-namespace \\
  --set image.repository=registry.example/migaga
```

- The definition is a part of the release, so that an upgrade brings the next one. It stays when the release is
  uninstalled (`crd.keep`): with it, all bots would go.
- The operator may do what [files/rules.yaml](files/rules.yaml) lists. It reads no Secrets.
- Bots need no right at all; their pods mount no token of the API server.
- All pods are admitted into namespaces labelled `pod-security.kubernetes.io/enforce: restricted`.
- [examples/](examples) holds a bot with a database to try things out, and an autoscaler.

## Values

| value | default | meaning |
|---|---|---|
"""


def page() -> str:
    """Return the page."""
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text("utf-8"))
    values = yaml.safe_load((CHART / "values.yaml").read_text("utf-8"))
    schema = json.loads((CHART / "values.schema.json").read_text("utf-8"))
    head = _INTRODUCTION.format(
        version=chart["appVersion"], kubernetes=chart["kubeVersion"].strip(">=").split(".0-")[0]
    )
    return head + "".join(f"| `{name}` | `{default}` | {doc} |\n" for name, default, doc in rows(values, schema))


def rows(values: Node, schema: Node, at: str = "") -> Iterator[tuple[str, str, str]]:
    """Yield name, default and meaning of every value, in the order of the schema."""
    properties = schema["properties"]
    if not isinstance(properties, Mapping):
        raise TypeError(f"{at}: properties is not an object")
    for name, node in properties.items():
        path = f"{at}.{name}" if at else name
        if name not in values:
            continue
        value = values[name]
        if "properties" in node and isinstance(value, Mapping) and name != "resources":
            yield from rows(value, node, path)
        else:
            yield path, json.dumps(value), node["description"]


if __name__ == "__main__":
    (CHART / "README.md").write_text(page(), "utf-8")
