"""The app in sites that nobody here wrote: each host in an environment of its own, by the wheel.

``projects/<host>/before`` is a site as it was, ``after`` holds the files that its owner adds or
changes to install the app. ``sites.py`` sets one up on the tests' servers; what its editors and
visitors then do is in ``projects/shared/journey.py``, which runs in the host's environment and
prints what it saw. ``nox -s hosts`` runs them; the environments are kept for later runs.
"""
