"""A site's admin as a person uses it: open the form, change some of it, save."""

from __future__ import annotations

from typing import Any

from django.core.files.base import File
from django.test import Client
from django.urls import reverse


def save(client: Client, url: str, **changes: Any) -> None:
    """Fill in a page's form, with what it shows already and some changes, and save it.

    Raises:
        AssertionError: the page did not come, or the form was refused.
    """
    page = client.get(url)
    assert page.status_code == 200, f"{url}: {page.status_code}"
    ours = page.context.get("adminform")
    forms = [ours.form if ours else page.context["form"]]  # the latter in Wagtail's admin
    for inline in page.context.get("inline_admin_formsets", []):
        forms += [inline.formset.management_form, *inline.formset.forms]
    shown = {}
    for form in forms:
        for field in form:
            shown |= _posted(field)
    answer = client.post(url, {**shown, **changes})
    refused = answer.context and (answer.context.get("errors") or answer.context.get("form"))
    assert answer.status_code == 302, f"{url}: {answer.status_code} {refused}"


def add(client: Client, model: str, **values: Any) -> None:
    """Add an object; ``model`` is the name of its pages, such as ``gallery_artwork``."""
    save(client, reverse(f"admin:{model}_add"), **values)


def change(client: Client, model: str, pk: Any, **values: Any) -> None:
    """Change an object."""
    save(client, reverse(f"admin:{model}_change", args=[pk]), **values)


def delete(client: Client, model: str, pk: Any) -> None:
    """Delete an object, and say that it is meant."""
    url = reverse(f"admin:{model}_delete", args=[pk])
    assert client.get(url).status_code == 200
    assert client.post(url, {"post": "yes"}).status_code == 302


def _posted(field: Any) -> dict[str, Any]:
    """What a browser sends of a field that nobody touched."""
    value = field.value()
    widgets = getattr(field.field.widget, "widgets", None)
    if widgets:
        parts = field.field.widget.decompress(value)
        names = field.field.widget.widgets_names
        return {
            f"{field.html_name}{name}": widget.format_value(part) or ""
            for name, widget, part in zip(names, widgets, parts, strict=True)
        }
    if value is None or value is False or isinstance(value, File):
        return {}
    if callable(value):
        value = value()
    return {field.html_name: "on" if value is True else value}
