"""A few combinations in place of all of them."""

from collections.abc import Collection, Hashable
from itertools import cycle, islice, product
from typing import Any

import pytest


def each_once(*axes: Collection[Hashable]) -> list[tuple[Any, ...]]:
    """As many combinations as the longest axis has values: each value of each axis is in one of them."""
    count = max(map(len, axes))
    return list(zip(*(islice(cycle(axis), count) for axis in axes), strict=True))


def once_or_all(*axes: Collection[Hashable]) -> list[Any]:
    """For `parametrize`: each value once; every combination where there is time."""
    return [
        pytest.param(each_once(*axes), id="each-once"),
        pytest.param(list(product(*axes)), id="all", marks=pytest.mark.long),
    ]


# For a test that takes long on either engine, and shows what neither does by itself.
sqlite_first = pytest.mark.parametrize(
    "store_url", ["sqlite", pytest.param("postgres", marks=pytest.mark.long)], indirect=True
)
