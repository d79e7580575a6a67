"""The examples of docs/modules.md are modules that load."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from migaga import api
from migaga.framework.loader import load_modules

PAGE = (Path(__file__).parents[3] / "docs" / "modules.md").read_text("utf-8")
EXAMPLES = [text for text in re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL) if "(BaseModule)" in text]


@pytest.mark.parametrize("text", EXAMPLES, ids=[str(index) for index in range(len(EXAMPLES))])
def test_an_example_is_a_module(tmp_path: Path, text: str) -> None:
    (tmp_path / "example.py").write_text(text)
    result = load_modules(["example"], [tmp_path])
    assert result.failures == ()
    assert len(result.modules) == 1


def test_there_are_examples() -> None:
    assert len(EXAMPLES) >= 3


@pytest.mark.parametrize("name", re.findall(r"^\| `(\w+)[(`]", PAGE.split("## `Context`")[0], re.MULTILINE))
def test_every_documented_name_is_exported(name: str) -> None:
    assert name in {*api.__all__, "str"}
