"""Create the demo's administrator, or give it another password."""

from __future__ import annotations

import os
from typing import Any

from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandError

PASSWORD_VARIABLE = "DEMO_ADMIN_PASSWORD"  # noqa: S105 -- the name of the variable, no password


class Command(BaseCommand):
    """``DEMO_ADMIN_PASSWORD=... manage.py create_admin``."""

    help = f"Creates the account “admin”, or sets its password, from {PASSWORD_VARIABLE}."

    def handle(self, *args: Any, **options: Any) -> None:
        """Take the password from the environment: others can read a command line."""
        password = os.environ.get(PASSWORD_VARIABLE)
        if not password:
            raise CommandError(f"Set {PASSWORD_VARIABLE} to the password.")
        user, _created = get_user_model()._default_manager.get_or_create(username="admin")
        user.is_staff = user.is_superuser = user.is_active = True
        user.set_password(password)
        user.save()
