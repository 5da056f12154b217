"""One picture fails, as an administrator finds it some morning."""

import django

django.setup()

from gallery.models import Artwork  # noqa: E402 -- the site's models are there from now on

if __name__ == "__main__":
    reason = "The file is no picture that can be read. Replace it by a JPEG, PNG, TIFF or WebP."
    failed = Artwork.objects.filter(pk=3)
    failed.update(embedding_status="failed", embedding_error=reason, embedding=None)
    print("{}")
