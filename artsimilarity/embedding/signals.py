"""What hosts may listen to.

``embedding_succeeded`` (arguments ``pk``, ``using``, ``recipe``), ``embedding_failed`` (``pk``,
``using``, ``error``, which is in the worker's language), ``chunk_embedded`` (``result``,
``seconds``; once for all pictures of a task), ``library_swept`` (``using``, ``pending``, ``sent``)
and ``recall_known`` (``using``, ``measurement``; after each sweep, the latest). The sender is the
picture's model. All are sent in the worker. What a receiver raises is logged and does no harm.
"""

from django.dispatch import Signal

embedding_succeeded = Signal()
embedding_failed = Signal()
chunk_embedded = Signal()
library_swept = Signal()
recall_known = Signal()
