"""A few combinations in place of all of them."""

from collections.abc import Hashable, Iterable
from itertools import combinations, product


def covering_pairs(*axes: Iterable[Hashable]) -> list[tuple[Hashable, ...]]:
    """Combinations of one value of each axis, such that every two values of different axes meet in one of them.

    What goes wrong mostly does so for one value or for two together, so these find it as all combinations would.
    """
    candidates = [(one, set(combinations(enumerate(one), 2))) for one in product(*axes)]
    missing = set().union(*(pairs for _, pairs in candidates))
    chosen: list[tuple[Hashable, ...]] = []
    while missing:
        best, pairs = max(candidates, key=lambda candidate: len(candidate[1] & missing))
        chosen.append(best)
        missing -= pairs
    return chosen
