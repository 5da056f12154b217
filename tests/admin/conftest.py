"""Who visits the admin."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client


@pytest.fixture
def viewer(client: Client) -> Client:
    """A member of staff who may look at artworks and not change them."""
    user = User.objects.create_user("viewer", is_staff=True)
    user.user_permissions.add(Permission.objects.get(codename="view_artwork"))
    client.force_login(user)
    return client
