"""What this site's editors do, in Django's admin."""

import admin_forms

MODEL = "gallery.Artwork"
TITLE = "title"
LIST = "/"
OTHER_PAGES = ["/admin/gallery/artwork/"]
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
    return artwork.get_absolute_url()


def public():
    from gallery.models import Artwork

    return Artwork.objects.filter(published=True)
