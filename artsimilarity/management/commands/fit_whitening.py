"""Fit a projection on the library's own pictures, for a recipe that uses it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.module_loading import import_string
from django.utils.translation import gettext as _
from tqdm import tqdm

from artsimilarity.embedding.whitening_store import store_whitening
from artsimilarity.encoder.recipe import Recipe, whitened
from artsimilarity.encoder.weight_files import WeightsError
from artsimilarity.library import Library
from artsimilarity.management import library_choice

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_BASE = "artsimilarity.encoder.recipe.IMAGENET_COVARIANCE"

_MODULE = """
    from artsimilarity.encoder.recipe import whitened
    from {module} import {attribute}

    WHITENED = whitened(
        {attribute},
        name="{name}",
        style_dimensions={dimensions},
        sha256="{sha256}",
    )

"""


class Command(BaseCommand):
    """``manage.py fit_whitening [--base RECIPE] [--sample N] [--dimensions N]``."""

    help = (
        "Fits a projection to few values on a sample of the library's pictures, without labels, "
        "keeps it in the database and prints the recipe that uses it. Nothing changes until that "
        "recipe is rolled out. docs/whitening.md says when it is worth while."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the arguments."""
        parser.add_argument(
            "--base",
            default=_BASE,
            metavar="RECIPE",
            help=f"dotted path of the recipe whose style values are projected ({_BASE})",
        )
        parser.add_argument(
            "--sample", type=int, metavar="N", help="pictures to draw (10 for each value)"
        )
        parser.add_argument("--seed", type=int, default=0, help="of the draw (0)")
        parser.add_argument(
            "--dimensions",
            type=int,
            metavar="N",
            help="style values (as many as make vectors of the length that is served now)",
        )
        parser.add_argument("--name", help="of the recipe (the base's and “-whitened”)")
        library_choice.add_arguments(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        """Draw, describe, fit, keep, and print what to do next."""
        from artsimilarity.encoder.whitening import (  # numpy is a worker's
            PICTURES_PER_VALUE,
            WhiteningError,
            fit,
        )

        library = library_choice.choose(options)
        base = _import_base(options["base"])
        dimensions = options["dimensions"] or _served_dimensions(library, base)
        # What cannot be used in the end is refused before hours are spent on it.
        _recipe(base, options["name"], dimensions, "0" * 64)
        count = options["sample"] or PICTURES_PER_VALUE * dimensions
        descriptors = self._sample(library, base, count=max(count, 0), seed=options["seed"])
        _require_enough(len(descriptors), dimensions)
        try:
            data = fit(descriptors, dimensions).to_safetensors()
        except WhiteningError as error:
            raise CommandError(str(error)) from error
        sha256 = store_whitening(data, pictures=len(descriptors), using=library.using)
        recipe = _recipe(base, options["name"], dimensions, sha256)
        self._tell(recipe, options["base"], len(descriptors), len(data))

    def _sample(
        self, library: Library, base: Recipe, *, count: int, seed: int
    ) -> NDArray[np.float32]:
        """Style blocks of the sample; names on standard error what could not be read."""
        from artsimilarity.embedding.whitening_sample import sample_style_blocks  # numpy
        from artsimilarity.encoder.encoder import DeviceUnavailable  # torch
        from artsimilarity.encoder.whitening import unprojected

        with tqdm(total=count, unit=_("picture"), dynamic_ncols=True, disable=None) as bar:
            try:
                descriptors, unreadable = sample_style_blocks(
                    library, unprojected(base), count=count, seed=seed, on_progress=bar.update
                )
            except (WeightsError, DeviceUnavailable) as error:
                raise CommandError(str(error)) from error
        if unreadable:
            self.stderr.write(
                _("%(count)d files could not be read, and others were drawn for them: %(names)s")
                % {"count": len(unreadable), "names": ", ".join(unreadable)}
            )
        return descriptors

    def _tell(self, recipe: Recipe, base: str, pictures: int, size: int) -> None:
        self.stdout.write(
            _("Fitted on %(pictures)d pictures and kept in the database (%(size).1f MB).")
            % {"pictures": pictures, "size": size / 1e6}
        )
        module, _dot, attribute = base.rpartition(".")
        self.stdout.write(
            _("Put this into a module of your project, such as yourproject/recipes.py:")
        )
        self.stdout.write(
            _MODULE.format(
                module=module,
                attribute=attribute,
                name=recipe.name,
                dimensions=recipe.style_dimensions,
                sha256=recipe.whitening_sha256,
            )
        )
        self.stdout.write(
            _(
                "Name it in ARTSIMILARITY['NEXT_RECIPE'], restart workers and web processes, and "
                "run “manage.py embed_artworks --rollout”, then “manage.py embed_artworks "
                "--promote”. Its fingerprint is %(fingerprint)s."
            )
            % {"fingerprint": recipe.fingerprint}
        )


def _require_enough(found: int, dimensions: int) -> None:
    from artsimilarity.encoder.whitening import LEAST_PICTURES_PER_VALUE, PICTURES_PER_VALUE

    if found >= LEAST_PICTURES_PER_VALUE * dimensions:
        return
    raise CommandError(
        _(
            "%(dimensions)d values take at least %(least)d pictures that can be read, "
            "better %(better)d; these are %(found)d. Choose a larger --sample if the "
            "library has more, fewer --dimensions, or stay with a recipe that needs none."
        )
        % {
            "dimensions": dimensions,
            "least": LEAST_PICTURES_PER_VALUE * dimensions,
            "better": PICTURES_PER_VALUE * dimensions,
            "found": found,
        }
    )


def _import_base(path: str) -> Recipe:
    try:
        base = import_string(path)
    except ImportError as error:
        raise CommandError(
            _("--base %(path)s cannot be imported: %(error)s") % {"path": path, "error": error}
        ) from error
    if not isinstance(base, Recipe):
        raise CommandError(_("--base %(path)s is no Recipe.") % {"path": path})
    return base


def _served_dimensions(library: Library, base: Recipe) -> int:
    """Return the style values that make the vector as long as those that are served now."""
    wanted = library.recipes().serving.dimensions
    if wanted <= base.colour_dimensions:
        raise CommandError(
            _(
                "The vectors that are served have %(column)d values, and the colours of --base "
                "take %(colour)d. Choose another --base, or --dimensions."
            )
            % {"column": wanted, "colour": base.colour_dimensions}
        )
    return wanted - base.colour_dimensions


def _recipe(base: Recipe, name: str | None, dimensions: int, sha256: str) -> Recipe:
    try:
        return whitened(
            base,
            name=name or f"{base.name.removesuffix('-whitened')}-whitened",
            style_dimensions=dimensions,
            sha256=sha256,
        )
    except ValueError as error:
        raise CommandError(str(error)) from error
