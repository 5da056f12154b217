"""Evaluation, benchmarks and training; nothing outside imports it. Install the extra ``lab``.

An app of its own: ``artsimilarity.lab`` in ``INSTALLED_APPS`` gives ``manage.py benchmark_search``.
"""
