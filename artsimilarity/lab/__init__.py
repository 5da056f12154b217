"""Evaluation, benchmarks and training; nothing outside imports it. Install the extra ``lab``.

An app of its own: ``artsimilarity.lab`` in ``INSTALLED_APPS`` gives ``manage.py benchmark_search``.
The other commands are ``python -m artsimilarity.lab.`` with ``evaluation``, ``encoding_speed`` or
``training``. Each tells on standard error how far it has come.
"""
