"""What hosts may listen to.

The sender is the picture's model. All are sent in the worker. What a receiver raises is logged and
does no harm.
"""

from django.dispatch import Signal

embedding_succeeded = Signal()
"""A picture has got its vector: ``pk``, ``using`` (the database's alias), ``recipe``."""

embedding_failed = Signal()
"""A picture cannot be embedded and is tried no more: ``pk``, ``using``, ``error``.

The error is the reason in words, in the worker's language.
"""

chunk_embedded = Signal()
"""A task has ended, once for all its pictures: ``result``, ``seconds``."""

library_swept = Signal()
"""A sweep has ended: ``using``, ``pending`` (how many wait), ``sent`` (how many it sent)."""

recall_known = Signal()
"""After each sweep, the latest measurement of recall: ``using``, ``measurement``."""
