"""Memory of a worker over many pictures: ``python -m tests.worker_memory --pictures FOLDER``.

Embeds the JPEGs of a folder again and again by the worker's own tasks, in this process, with the
encoder and the thumbnails that the demo has, on an embedded Postgres. Each time other bytes stand
behind a file's end, so that it is a new file; what was embedded the time before is deleted, lest
all of them be scans of one print. Prints a line of CSV after each time through the folder.
"""

from __future__ import annotations

import argparse
import itertools
import os
import shutil
import tempfile
import time
from pathlib import Path

import psutil

from demo_site import servers

_MEBIBYTE = 2**20


def main() -> None:
    """Read the arguments, run, and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--pictures", type=Path, required=True, help="a folder with JPEGs")
    parser.add_argument("--count", type=int, default=20_000)
    options = parser.parse_args()
    files = sorted(options.pictures.rglob("*.jpg"))
    with (
        tempfile.TemporaryDirectory(prefix="artsimilarity-memory-") as folder,
        servers.postgres(Path(folder) / "postgres") as url,
    ):
        os.environ |= {
            "DATABASE_URL": url,
            "DEMO_DATA": str(Path(folder) / "data"),
            "DJANGO_SETTINGS_MODULE": "demo_site.settings",
        }
        _embed_all(files, options.count)


def _embed_all(files: list[Path], count: int) -> None:
    import django

    django.setup()

    from django.conf import settings
    from django.core.files.base import ContentFile
    from django.core.management import call_command

    from artsimilarity.embedding import queue
    from demo_site.celery import app
    from demo_site.library.models import Artwork

    call_command("migrate", verbosity=0)
    app.conf.task_always_eager = True  # whatever is sent to workers is done here
    begin, done, ready = time.monotonic(), 0, 0
    print("pictures,ready,seconds,worker_mib,decoding_mib,decoding_processes", flush=True)
    for turn in itertools.count():
        artworks = []
        for number, path in enumerate(files):
            data = ContentFile(path.read_bytes() + f"{turn}".encode(), name=f"{number}.jpg")
            artworks.append(Artwork(title=path.stem[:200], image=data))
        Artwork.objects.bulk_create(artworks)
        queue.enqueue(Artwork.objects.all())
        done += len(files)
        ready += Artwork.objects.ready().count()
        process = psutil.Process()
        decoding = [
            child.memory_info().rss
            for child in process.children()
            if "artsimilarity.encoder.pictures.helper" in child.cmdline()
        ]
        worker = process.memory_info().rss / _MEBIBYTE
        seconds = time.monotonic() - begin
        inner = f"{sum(decoding) / _MEBIBYTE:.0f},{len(decoding)}"
        print(f"{done},{ready},{seconds:.0f},{worker:.0f},{inner}", flush=True)
        if done >= count:
            return
        Artwork.objects.all().delete()
        shutil.rmtree(settings.MEDIA_ROOT)


if __name__ == "__main__":
    main()
