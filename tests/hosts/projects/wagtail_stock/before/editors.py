"""What this site's editors do, in Wagtail's admin."""

import admin_forms

MODEL = "wagtailimages.Image"
TITLE = "title"
LIST = "/cms/images/"
OTHER_PAGES = ["/cms/images/?q=red", "/cms/images/chooser/", "/cms/images/chooser/results/?q=red"]
ADMIN_PAGES = ""


def upload(client, title, file):
    admin_forms.save(client, "/cms/images/add/", title=title, file=file)


def replace(client, image, file):
    admin_forms.save(client, f"/cms/images/{image.pk}/", file=file)


def hide(client, image):
    """Move it into a collection below one that is open to some only."""
    from wagtail.models import Collection

    private = Collection.get_first_root_node().add_child(name="Members")
    within = private.add_child(name="Their prints")
    chosen = {"restriction_type": "login", "password": ""}
    assert client.post(f"/cms/collections/{private.pk}/privacy/", chosen).status_code == 200
    admin_forms.save(client, f"/cms/images/{image.pk}/", collection=within.pk)


def delete(client, image):
    address = f"/cms/images/{image.pk}/delete/"
    assert client.get(address).status_code == 200
    assert client.post(address).status_code == 302


def page(image):
    return f"/pictures/{image.pk}/"


def public():
    from wagtail.images.models import Image

    return Image.objects.exclude(collection__name="Their prints")
