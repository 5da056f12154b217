"""The search measured against other ways to search: ``manage.py benchmark_search``.

``vectors`` draws a library, ``scratch`` puts it into tables of its own, ``baselines`` are the ways
to search it, ``truth`` knows the right answers, ``measure`` asks and takes the time, ``variants``
looks for better settings, ``run`` does all that, ``report`` and ``plot`` show what came of it.
"""
