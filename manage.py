#!/usr/bin/env python
"""Django's command line for the demo site; ``python manage.py demo`` starts everything."""

import os
import sys


def main() -> None:
    """Run the command that was asked for, on the demo's own servers where none are named."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "demo_site.settings")
    try:
        from django.core.management import execute_from_command_line
    except ImportError as error:
        raise SystemExit(
            "Django is not installed in this Python. Install the demo with "
            "'pip install -e .[demo]' and run manage.py with the same Python."
        ) from error
    from demo_site.data_folder import InUseError, servers_for
    from demo_site.servers import ServerError

    try:
        with servers_for(sys.argv[1:]):
            execute_from_command_line(sys.argv)
    except (InUseError, ServerError) as error:
        raise SystemExit(str(error)) from error


if __name__ == "__main__":
    main()
