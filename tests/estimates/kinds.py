"""Kinds of campaigns: how long their units take, and what the ledger knows of that beforehand."""

import math


def scattered(rng, scatter):
    return math.exp(rng.gauss(0, scatter))


def constant(n, rng):
    return [(1.0, 10 * scattered(rng, 0.03)) for _ in range(n)]


def log_normal(n, rng):
    return [(1.0, 10 * scattered(rng, 0.5)) for _ in range(n)]


def heavy_tailed(n, rng):
    return [(1.0, 10 * scattered(rng, 1.0)) for _ in range(n)]


def costs(n, rng):
    """Costs that differ by ten, the highest first."""
    return sorted((10 ** rng.uniform(0, 1) for _ in range(n)), reverse=True)


def longest_first(n, rng):
    return [(cost, 4 * cost * scattered(rng, 0.1)) for cost in costs(n, rng)]


def cost_tells_nothing(n, rng):
    return [(cost, 10 * scattered(rng, 0.1)) for cost in costs(n, rng)]


def cost_tells_a_half(n, rng):
    return [(cost, 10 * cost**0.5 * scattered(rng, 0.2)) for cost in costs(n, rng)]


def slower_and_slower(n, rng):
    return [(1.0, 10 * (1 + i / n) * scattered(rng, 0.2)) for i in range(n)]


def faster_and_faster(n, rng):
    return [(1.0, 20 / (1 + i / n) * scattered(rng, 0.2)) for i in range(n)]


def few_long_ones(n, rng):
    """One in five takes six times as long, and nothing tells which."""
    return [(1.0, (60 if rng.random() < 0.2 else 10) * scattered(rng, 0.1)) for _ in range(n)]


# ----------------------------------------------------------------- never looked at by the estimate


def two_costs(n, rng):
    """One in five costs ten times as much, as the ledger knows; those come first."""
    known = sorted((10.0 if rng.random() < 0.2 else 1.0 for _ in range(n)), reverse=True)
    return [(cost, 4 * cost * scattered(rng, 0.1)) for cost in known]


def two_batches(n, rng):
    """Half of the units arrive when a quarter of the first half could be done; other stars."""
    factor = scattered(rng, 0.7)
    first, second = n // 2, n - n // 2
    arrival = 10.0 * first / 4 * rng.random()
    return [
        *((1.0, 10 * scattered(rng, 0.2)) for _ in range(first)),
        *((1.0, 10 * factor * scattered(rng, 0.2), arrival) for _ in range(second)),
    ]
