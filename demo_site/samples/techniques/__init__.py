"""How the sample pictures are made: twelve techniques, told apart by their marks alone."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ..composition import Composition
from ..noise import FloatArray
from ..sheet import BARE, BLOCK, DRAWING, PLATE, Sheet
from . import colours, lines

Paint = Callable[[Composition, FloatArray, np.random.Generator], FloatArray]


@dataclass(frozen=True)
class Technique:
    """A way of making pictures, and the two invented hands that practise it.

    Attributes:
        slug: the technique's key.
        name: what a visitor reads.
        artists: the names, each of half its pictures.
        since: first year of the decades that its pictures are dated in.
        sheet: the paper around the picture.
        paint: composition, colours (7, 3) and random numbers to an RGB array (h, w, 3), 0 to 255.
    """

    slug: str
    name: str
    artists: tuple[str, str]
    since: int
    sheet: Sheet
    paint: Paint


TECHNIQUES = (
    Technique(
        "engraving",
        "Engraving",
        ("Hendrik Aldersey", "Cornelia van Oort"),
        1640,
        PLATE,
        lines.engraving,
    ),
    Technique(
        "woodblock",
        "Colour woodblock",
        ("Sakamoto Rinsen", "Hoshino Kaiun"),
        1828,
        BLOCK,
        colours.woodblock,
    ),
    Technique(
        "aquatint", "Aquatint", ("Tomás Arriaga", "Philippa Wren"), 1794, PLATE, lines.aquatint
    ),
    Technique(
        "wash", "Pen and wash", ("Eliza Thornbury", "Giacomo Bellucci"), 1768, DRAWING, colours.wash
    ),
    Technique(
        "woodcut", "Woodcut", ("Meister Anselm", "Lukas Rothmayr"), 1510, BLOCK, lines.woodcut
    ),
    Technique("oil", "Oil on paper", ("Joos van Leemput", "Mirela Danko"), 1862, BARE, colours.oil),
    Technique(
        "etching", "Etching", ("Ambroise Corvin", "Saskia Dekker"), 1652, PLATE, lines.etching
    ),
    Technique(
        "lithograph",
        "Crayon lithograph",
        ("Odile Marchetti", "Józef Wilczek"),
        1834,
        BARE,
        lines.lithograph,
    ),
    Technique(
        "linocut", "Linocut", ("Ingrid Solberg", "Amadou Keïra"), 1928, BLOCK, colours.linocut
    ),
    Technique(
        "stipple",
        "Stipple engraving",
        ("Charlotte Penhallow", "Vasco Teles"),
        1788,
        PLATE,
        lines.stipple,
    ),
    Technique(
        "marbling",
        "Marbled paper",
        ("Ebru House of Izmit", "Atelier Valcombe"),
        1710,
        BARE,
        colours.marbling,
    ),
    Technique(
        "mezzotint", "Mezzotint", ("Rupert Hallam", "Dorothea Lind"), 1726, PLATE, lines.mezzotint
    ),
)
