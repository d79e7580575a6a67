"""`python -m migaga_operator.crd` prints the CustomResourceDefinition as YAML."""

from __future__ import annotations

import sys

from migaga_operator.crd.definition import definition_yaml

sys.stdout.write(definition_yaml())
