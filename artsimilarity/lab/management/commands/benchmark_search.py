"""Measure the search at a size of your choice, in the database that is configured."""

from __future__ import annotations

import importlib.util
import json
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.translation import gettext as _


class Command(BaseCommand):
    """``manage.py benchmark_search [--rows N] [--queries N] [--json FILE] [--plot FILE]``."""

    help = (
        "Fills scratch tables with vectors like the library's own, builds the index, and measures "
        "recall and time of the search at every balance and under filters, beside an exact scan, "
        "a plain pgvector query and, where faiss-cpu is installed, faiss. The tables are dropped "
        "in the end. Run it where nothing else needs the machine."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the arguments."""
        parser.add_argument("--rows", type=int, default=100_000, help="pictures in the library")
        parser.add_argument(
            "--series",
            type=int,
            default=1,
            metavar="N",
            help="draw N near-identical pictures of each, as of plates with many impressions",
        )
        parser.add_argument("--queries", type=int, default=100, help="searches per measurement")
        parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures there")
        parser.add_argument("--plot", type=Path, metavar="FILE", help="write a PNG (matplotlib)")
        parser.add_argument("--keep", action="store_true", help="leave the scratch tables")
        parser.add_argument(
            "--replace", action="store_true", help="drop scratch tables of an earlier run first"
        )
        parser.add_argument(
            "--variants", action="store_true", help="also measure other settings and strategies"
        )
        parser.add_argument(
            "--writes-per-second",
            type=float,
            default=10.0,
            metavar="N",
            help="pictures that come and go in one round of searches; 0 for none",
        )
        parser.add_argument("--seed", type=int, default=0, help="of the vectors and the searches")
        parser.add_argument(
            "--maintenance-work-mem",
            metavar="SIZE",
            help="of the index builds, such as 512MB; default: what the graph needs",
        )
        parser.add_argument("--database", default="default", help="alias of the database")

    def handle(self, *args: Any, **options: Any) -> None:
        """Refuse what cannot end well before anything is made."""
        for name in ("rows", "series", "queries"):
            if options[name] < 1:
                raise CommandError(_("--%(name)s must be 1 or more.") % {"name": name})
        if options["writes_per_second"] < 0:
            raise CommandError(_("--writes-per-second must be 0 or more."))
        if importlib.util.find_spec("numpy") is None:
            raise CommandError(_("The benchmark needs numpy: pip install numpy"))
        from artsimilarity.lab.search_speed.plot import can_plot, plot
        from artsimilarity.lab.search_speed.report import as_text
        from artsimilarity.lab.search_speed.run import Options, run

        for name in ("json", "plot"):
            if options[name] and not options[name].parent.is_dir():
                raise CommandError(_("%(file)s is not a folder.") % {"file": options[name].parent})
        if options["plot"] and not can_plot():
            raise CommandError(_("--plot needs matplotlib: pip install matplotlib"))
        try:
            with _terminable():
                report = run(
                    Options(
                        rows=options["rows"],
                        series=options["series"],
                        queries=options["queries"],
                        using=options["database"],
                        seed=options["seed"],
                        memory=options["maintenance_work_mem"],
                        keep=options["keep"],
                        replace=options["replace"],
                        variants=options["variants"],
                        writes_per_second=options["writes_per_second"],
                    )
                )
        except KeyboardInterrupt:
            raise CommandError(_("Stopped."), returncode=130) from None
        self.stdout.write(as_text(report))
        if options["json"]:
            options["json"].write_text(json.dumps(report.as_dict(), indent=2) + "\n")
        if options["plot"]:
            plot(report, options["plot"])


@contextmanager
def _terminable() -> Iterator[None]:
    """End on SIGTERM as on Ctrl-C, so that the scratch tables are dropped."""
    if threading.current_thread() is not threading.main_thread():
        yield  # only the main thread may handle signals
        return
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
