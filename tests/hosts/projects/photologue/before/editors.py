"""What this site's editors do, in photologue's pages of Django's admin."""

import admin_forms

MODEL = "photologue.Photo"
TITLE = "title"
LIST = "/photologue/photolist/"
OTHER_PAGES = ["/admin/photologue/photo/?q=red"]
ADMIN_PAGES = "photologue_photo"


def upload(client, title, file):
    admin_forms.add(client, ADMIN_PAGES, title=title, slug=title, image=file)


def replace(client, photo, file):
    admin_forms.change(client, ADMIN_PAGES, photo.pk, image=file)


def hide(client, photo):
    admin_forms.change(client, ADMIN_PAGES, photo.pk, is_public="")


def delete(client, photo):
    admin_forms.delete(client, ADMIN_PAGES, photo.pk)


def page(photo):
    return photo.get_absolute_url()


def public():
    from photologue.models import Photo

    return Photo.objects.on_site().is_public()
