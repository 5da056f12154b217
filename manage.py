#!/usr/bin/env python
"""Django's command line for the demo site; ``python manage.py demo`` starts everything."""

import os
import sys


def main() -> None:
    """Run the command that was asked for."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "demo_site.settings")
    try:
        from django.core.management import execute_from_command_line
    except ImportError as error:
        raise SystemExit(
            "Django is not installed in this Python. Install the demo with "
            "'pip install -e .[demo]' and run manage.py with the same Python."
        ) from error
    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
