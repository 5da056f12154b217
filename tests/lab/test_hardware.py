from __future__ import annotations

import os

import numpy as np

from artsimilarity.lab.hardware import cores, load_average, machine_and_versions


def test_versions_are_those_of_the_packages_that_are_imported() -> None:
    told = machine_and_versions("numpy")
    assert told["numpy"] == np.__version__
    assert set(told) == {"processor", "cores", "system", "Python", "numpy"}
    assert told["processor"]


def test_cores_are_no_more_than_the_machine_has() -> None:
    assert 1 <= cores() <= (os.cpu_count() or 1)


def test_the_load_average_is_that_of_the_last_minute() -> None:
    now = load_average()
    assert now is not None
    assert abs(now - os.getloadavg()[0]) < 1
