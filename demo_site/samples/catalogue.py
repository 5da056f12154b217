"""Which samples there are: every technique in every palette, each of one of twelve scenes."""

from dataclasses import dataclass
from functools import cache

from .noise import generator
from .palettes import PALETTES
from .scenes import SCENES
from .techniques import TECHNIQUES

_TITLES = {
    "hills": "Hills",
    "harbour": "The Harbour",
    "still-life": "Still Life",
    "portrait": "Portrait of a Lady",
    "lake": "On the Lake",
    "town": "The Old Town",
    "birches": "Birches",
    "flowers": "Flowers in a Vase",
    "wave": "The Wave",
    "bridge": "The Bridge",
    "rhythm": "Rhythm",
    "blossom": "Blossom",
}


@dataclass(frozen=True)
class Sample:
    """One picture of the catalogue.

    Attributes:
        slug: unique; its file is ``<slug>.jpg``.
        title: such as "The Harbour, Pine forest".
        artist: the technique's invented studio.
        year: in digits.
        technique: its name, such as "Pointillism".
        palette: its name, such as "Harbour dusk".
        scene: key of the scene.
        width: in pixels.
        height: in pixels.
    """

    slug: str
    title: str
    artist: str
    year: str
    technique: str
    palette: str
    scene: str
    width: int
    height: int


@cache
def samples() -> tuple[Sample, ...]:
    """Return the catalogue, in a fixed order that mixes techniques and palettes."""
    scenes = list(SCENES)
    sizes = ((960, 720), (720, 960), (840, 840), (1000, 700))
    found = []
    for turn in range(len(PALETTES)):
        for number, technique in enumerate(TECHNIQUES):
            palette = PALETTES[(number * 5 + turn) % len(PALETTES)]
            scene = scenes[(number * 7 + turn * 5) % len(scenes)]
            width, height = sizes[(number + turn) % len(sizes)]
            rng = generator("year", technique.slug, palette.slug)
            found.append(
                Sample(
                    slug=f"{technique.slug}-{palette.slug}",
                    title=f"{_TITLES[scene]}, {palette.name}",
                    artist=technique.studio,
                    year=str(technique.century + int(rng.integers(0, 30))),
                    technique=technique.name,
                    palette=palette.name,
                    scene=scene,
                    width=width,
                    height=height,
                )
            )
    return tuple(found)
