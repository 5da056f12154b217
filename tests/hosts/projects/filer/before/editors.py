"""What this site's editors do, in filer's pages of Django's admin."""

import admin_forms
from django.urls import reverse

MODEL = "filer.Image"
TITLE = "name"
LIST = "/admin/filer/folder/1/list/"
OTHER_PAGES = ["/admin/filer/folder/1/list/?q=red"]
ADMIN_PAGES = "filer_image"


def upload(client, title, file):
    from filer.models import Folder

    folder, _made = Folder.objects.get_or_create(name="Pictures", pk=1)
    address = reverse("admin:filer-ajax_upload", args=[folder.pk])
    answer = client.post(address, {"file": file}).json()
    admin_forms.change(client, ADMIN_PAGES, answer["file_id"], name=title, is_public="on")


def replace(client, image, file):
    admin_forms.change(client, ADMIN_PAGES, image.pk, file=file)


def hide(client, image):
    admin_forms.change(client, ADMIN_PAGES, image.pk, is_public="")


def delete(client, image):
    admin_forms.delete(client, ADMIN_PAGES, image.pk)


def page(image):
    return f"/pictures/{image.pk}/"


def public():
    from filer.models import Image

    return Image.objects.filter(is_public=True)
