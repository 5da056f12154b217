"""A fresh seed for every run of the tests that try things at random, and a way to repeat one."""

from __future__ import annotations

import os
import secrets

VARIABLE = "TEST_SEED"


def fresh_seed() -> int:
    """Return ``TEST_SEED``, or one that no run had; printed, which pytest shows on failure."""
    seed = int(os.environ.get(VARIABLE) or secrets.randbits(32))
    print(f"To repeat this run: {VARIABLE}={seed}")
    return seed
