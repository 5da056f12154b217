"""Which samples there are: every technique in every palette, each of one of fourteen scenes."""

from dataclasses import dataclass
from functools import cache

from .noise import generator
from .palettes import PALETTES
from .scenes import SCENES
from .techniques import TECHNIQUES

# Of nowhere, as the artists are nobody.
_PLACES = (
    "Lindhaven",
    "Monte Caro",
    "Ashwick",
    "Saint-Aurel",
    "Veldemoor",
    "Kurose",
    "Isola Verra",
    "Tarnbeck",
    "Bellarde",
    "Holmgarth",
    "Ostermünd",
    "Pont-Vannes",
    "Cala Serena",
    "Whinmoor",
)
_TITLES = {
    "valley": ("The Valley of {}", "The River near {}", "Haymaking below {}"),
    "coast": ("The Cliffs of {}", "Ships off {}", "A Fresh Wind at {}"),
    "still-life": ("Jug and Quinces, {}", "A Table at {}", "Still Life with a Bowl, {}"),
    "elevation": ("The Assembly Rooms, {}", "Elevation of the Library at {}", "A Villa at {}"),
    "tarn": ("The Tarn above {}", "First Snow, {}", "The Peaks of {}"),
    "botanical": ("Flora of {}, plate {}", "The Rose of {}, plate {}", "Campion from {}, plate {}"),
    "harbour": ("The Quay at {}, by Moonlight", "Night, {}", "The Harbour of {}"),
    "ruin": ("The Arch at {}", "Ruins near {}", "The Old Baths of {}"),
    "birches": ("Birches, {}", "The Path to {}", "A Wood near {}"),
    "chart": ("A Chart of the Isle of {}", "The Isle of {}", "Soundings about {}"),
    "bridge": ("The Bridge at {}", "Low Water, {}", "The Mill Bridge, {}"),
    "oak": ("The Oak of {}", "A Tree near {}", "Noon on the Common, {}"),
    "wave": ("The Wave off {}", "A Sea at {}", "Under the Wave, {}"),
    "blossom": ("Thrush and Blossom, {}", "A Bird of {}", "Spring Moon, {}"),
}
_MARBLED = ("Combed Paper, {}", "Endpaper from {}", "Marbled Sheet, {}")
_UPRIGHT, _LYING = ((720, 940), (700, 960), (740, 920)), ((960, 700), (940, 720), (960, 640))
_SIZES = {
    "botanical": ((700, 960), (680, 940)),
    "birches": _UPRIGHT,
    "blossom": (*_UPRIGHT, (820, 820)),
    "oak": (*_UPRIGHT, *_LYING),
    "still-life": (*_LYING, (840, 840)),
}


@dataclass(frozen=True)
class Sample:
    """One picture of the catalogue.

    Attributes:
        slug: unique; its file is ``<slug>.jpg``.
        title: such as "The Harbour of Lindhaven".
        artist: an invented name.
        year: in digits.
        technique: its name, such as "Engraving".
        palette: its name, such as "Bistre on cream".
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
    found = []
    for turn in range(len(PALETTES)):
        for number, technique in enumerate(TECHNIQUES):
            palette = PALETTES[(number * 5 + turn) % len(PALETTES)]
            scene = scenes[(number * 5 + turn * 3) % len(scenes)]
            sizes = _SIZES.get(scene, _LYING)
            width, height = sizes[(number + turn) % len(sizes)]
            rng = generator("facts", technique.slug, palette.slug)
            titles = _MARBLED if technique.slug == "marbling" else _TITLES[scene]
            place = _PLACES[(3 * number + 5 * turn) % len(_PLACES)]
            title = titles[(number + 2 * turn) % len(titles)]
            found.append(
                Sample(
                    slug=f"{technique.slug}-{palette.slug}",
                    title=title.format(place, int(rng.integers(2, 90))),
                    artist=technique.artists[int(rng.integers(2))],
                    year=str(technique.since + int(rng.integers(0, 30))),
                    technique=technique.name,
                    palette=palette.name,
                    scene=scene,
                    width=width,
                    height=height,
                )
            )
    return tuple(found)
