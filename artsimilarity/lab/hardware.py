"""What figures were measured on: processor, cores, versions, load. Standard library only."""

from __future__ import annotations

import os
import platform
from importlib.metadata import version
from pathlib import Path


def processor() -> str:
    """Model of the processor, as the system names it."""
    information = Path("/proc/cpuinfo")
    if information.is_file():
        for line in information.read_text(encoding="utf-8", errors="replace").splitlines():
            name, _colon, value = line.partition(":")
            if name.strip() == "model name":
                return value.strip()
    return platform.processor() or platform.machine()


def cores() -> int:
    """Processor cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def load_average() -> float | None:
    """Processes that ran or waited, mean of the last minute; None where the system tells none."""
    return round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None


def machine_and_versions(*packages: str) -> dict[str, str]:
    """Processor, cores, system, and versions of Python and of installed packages, by name."""
    return {
        "processor": processor(),
        "cores": str(cores()),
        "system": platform.system(),
        "Python": platform.python_version(),
        **{package: version(package) for package in packages},
    }
