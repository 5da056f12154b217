"""What this site's editors do, in Django's admin with the pages of four packages."""

import admin_forms

MODEL = "gallery.Artwork"
TITLE = "title"
LIST = "/api/pictures/"
OTHER_PAGES = ["/admin/gallery/artwork/", "/admin/gallery/artwork/export/"]
ADMIN_PAGES = "gallery_artwork"


def upload(client, title, file):
    admin_forms.add(client, ADMIN_PAGES, title=title, image=file, published="on")


def replace(client, artwork, file):
    admin_forms.change(client, ADMIN_PAGES, artwork.pk, image=file)


def hide(client, artwork):
    admin_forms.change(client, ADMIN_PAGES, artwork.pk, published="")


def delete(client, artwork):
    admin_forms.delete(client, ADMIN_PAGES, artwork.pk)


def page(artwork):
    return f"/artworks/{artwork.pk}/"


def public():
    from gallery.models import Artwork

    return Artwork.objects.filter(published=True)
