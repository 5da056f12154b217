"""Large packages of the tests' own environment, lent to a new one: installing torch takes minutes.

pip finds them there as if they had been installed, and installs whatever else is asked for.
"""

from __future__ import annotations

import re
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from packaging.requirements import Requirement

LARGE = ("torch", "torchvision", "pyvips", "pyvips-binary")


def lend(folder: Path) -> Path:
    """Link the large packages, and what they need, into a folder for ``PYTHONPATH``."""
    folder.mkdir()
    waiting, seen = [*LARGE], set()
    while waiting:
        name = re.sub(r"[-_.]+", "-", waiting.pop()).lower()
        if name in seen:
            continue
        seen.add(name)
        try:
            found = distribution(name)
        except PackageNotFoundError:
            continue
        for line in found.requires or ():
            requirement = Requirement(line)
            if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
                waiting.append(requirement.name)
        for top in {file.parts[0] for file in found.files or () if file.parts[0] != ".."}:
            link = folder / top
            if not link.exists() and top != "__pycache__":
                link.symlink_to(Path(str(found.locate_file(top))).resolve())
    return folder
