"""What can keep a map from being made."""

from __future__ import annotations

from django.utils.translation import gettext as _


class LayoutError(RuntimeError):
    """No layout can be computed, as a package is missing; the message says what to install."""

    def __init__(self, package: str) -> None:
        super().__init__(
            _(
                "The map is laid out by %(package)s, which is not installed here: "
                "pip install 'django-artsimilarity[map]'."
            )
            % {"package": package}
        )
