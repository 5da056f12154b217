from __future__ import annotations

import subprocess
import sys


def test_it_runs_as_a_module() -> None:
    command = [sys.executable, "-m", "artsimilarity.lab.training", "--help"]
    shown = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "--held-out" in shown.stdout
