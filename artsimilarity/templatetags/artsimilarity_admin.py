"""What the admin's first page says of libraries: ``{% library_notices %}``."""

from __future__ import annotations

from typing import Any

from django import template
from django.contrib.admin.sites import all_sites

register = template.Library()


@register.inclusion_tag("admin/artsimilarity/notices.html", takes_context=True)
def library_notices(context: template.Context) -> dict[str, Any]:
    """List what every library of this admin site has to say to whoever looks.

    Each ``ModelAdmin`` with ``SimilarityAdminMixin`` is asked for its ``library_notices()``.
    """
    request: Any = context["request"]
    name = getattr(request, "current_app", "admin")
    admins = [
        model_admin
        for site in all_sites
        if site.name == name
        for model_admin in site._registry.values()
    ]
    asked = (getattr(one, "library_notices", None) for one in admins)
    return {"notices": [notice for ask in asked if ask for notice in ask(request)]}
