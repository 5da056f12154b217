"""Forms of the library."""

from __future__ import annotations

from typing import Any

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.template.defaultfilters import filesizeformat
from django.utils.translation import gettext_lazy as _

from demo_site.library.models import Artwork

# Pillow opens more, but some of those formats run other programs on what a stranger uploaded.
FORMATS = ("JPEG", "MPO", "PNG", "TIFF", "WEBP", "GIF")


class UploadForm(forms.ModelForm):  # type: ignore[type-arg]
    """Takes one picture.

    Only its header is looked at: whether all of it can be read is found out by the worker, which
    records the reason if not.
    """

    class Meta:
        model = Artwork
        fields = ["image", "title", "artist", "year"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["image"].help_text = _("JPEG, PNG, TIFF, WebP or GIF, up to %(size)s") % {
            "size": filesizeformat(settings.LIBRARY_MAX_UPLOAD)
        }
        self.fields["image"].widget.attrs["accept"] = (
            "image/jpeg,image/png,image/tiff,image/webp,image/gif"
        )

    def clean_image(self) -> Any:
        """Refuse what is too large, and formats that the worker does not read."""
        image = self.cleaned_data["image"]
        if image.size > settings.LIBRARY_MAX_UPLOAD:
            raise ValidationError(
                _("This file has %(size)s; at most %(limit)s can be uploaded."),
                params={
                    "size": filesizeformat(image.size),
                    "limit": filesizeformat(settings.LIBRARY_MAX_UPLOAD),
                },
            )
        picture = getattr(image, "image", None)
        if picture is not None and picture.format not in FORMATS:
            raise ValidationError(
                _("Pictures in the format %(format)s cannot be used. Save it as JPEG or PNG."),
                params={"format": picture.format},
            )
        return image
