"""What can keep a map from being made."""

from __future__ import annotations


class LayoutError(RuntimeError):
    """No layout can be computed; the message says what to install."""
