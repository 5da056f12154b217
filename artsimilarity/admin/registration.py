"""Similarity in an admin that somebody else has registered."""

from __future__ import annotations

from django.contrib import admin
from django.db import models

from artsimilarity.admin.library_admin import SimilarityAdminMixin


def add_similarity(site: admin.AdminSite, model: type[models.Model]) -> None:
    """Register a model's admin anew, with ``SimilarityAdminMixin`` before the class that it has.

    ``add_similarity(admin.site, Photo)``, in the ``admin.py`` of an app that stands behind the
    photos' own in ``INSTALLED_APPS``.

    Raises:
        django.contrib.admin.exceptions.NotRegistered: the model has no admin there yet.
    """
    present = type(site.get_model_admin(model))
    if issubclass(present, SimilarityAdminMixin):
        return
    combined = type(f"Similarity{present.__name__}", (SimilarityAdminMixin, present), {})
    site.unregister(model)
    site.register(model, combined)
