"""Amounts as Kubernetes writes them."""

from __future__ import annotations

import pytest

from migaga_operator.crd.quantities import amount, same_amount


@pytest.mark.parametrize(
    ("left", "right"),
    [("0.5", "500m"), ("1Gi", "1024Mi"), ("2", 2), ("1e3", "1k"), ("1.5Gi", "1536Mi"), (".5", "500m"), ("1000u", "1m")],
)
def test_the_same_amount_in_two_forms(left: object, right: object) -> None:
    assert same_amount(left, right)


@pytest.mark.parametrize(
    ("left", "right"), [("1G", "1Gi"), ("1", "1m"), ("x", "x"), ("", ""), (None, None), ("1", None)]
)
def test_other_amounts_and_no_amounts_at_all(left: object, right: object) -> None:
    assert not same_amount(left, right)


def test_what_is_no_amount_has_no_value() -> None:
    assert amount("256 Mi") is None
    assert amount("-1") == -1
