"""How a library is doing: its status, a health check, Prometheus metrics.

Imports ``embedding``, ``checks`` and ``library``; ``admin`` and ``management`` import it.
"""
