"""How the sample pictures are painted: twelve techniques, told apart by their marks alone."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ..composition import Composition
from ..noise import FloatArray
from . import marks, planes

Paint = Callable[[Composition, FloatArray, np.random.Generator], FloatArray]


@dataclass(frozen=True)
class Technique:
    """A way of painting, and the studio that is said to practise it.

    Attributes:
        slug: the technique's key.
        name: what a visitor reads.
        studio: the invented artist of all its pictures.
        century: first year of the decades that its pictures are dated in.
        paint: composition, colours (7, 3) and random numbers to an RGB array (h, w, 3), 0 to 255.
    """

    slug: str
    name: str
    studio: str
    century: int
    paint: Paint


TECHNIQUES = (
    Technique("pointillism", "Pointillism", "Odile Marchetti", 1884, marks.pointillism),
    Technique("engraving", "Engraving", "Workshop of H. Aldersey", 1640, marks.hatching),
    Technique("woodblock", "Woodblock print", "Sakamoto Press", 1828, planes.woodblock),
    Technique("watercolour", "Watercolour", "Eliza Thornbury", 1846, planes.watercolour),
    Technique("impasto", "Oil, impasto", "Joos van Leemput", 1889, marks.impasto),
    Technique("mosaic", "Mosaic", "Bottega Ravagnan", 1520, planes.mosaic),
    Technique("stained-glass", "Stained glass", "Atelier Saint-Brieux", 1480, planes.stained_glass),
    Technique("halftone", "Halftone print", "Meridian Lithographic Co.", 1921, marks.halftone),
    Technique("marbling", "Paper marbling", "Ebru House of Izmit", 1710, planes.marbling),
    Technique("chalk", "Chalk drawing", "Anselm Roth", 1862, marks.chalk),
    Technique("facets", "Oil, faceted", "Mirela Danko", 1912, planes.facets),
    Technique("tapestry", "Tapestry", "Manufacture de Valcombe", 1670, marks.tapestry),
)
