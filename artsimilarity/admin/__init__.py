"""What an administrator sees of a library: list, picture, library page, duplicates.

Imports ``monitoring``, ``embedding``, ``search`` and ``duplicates``; nothing imports it but hosts.
"""

from artsimilarity.admin.library_admin import SimilarityAdminMixin
from artsimilarity.admin.registration import add_similarity

__all__ = ["SimilarityAdminMixin", "add_similarity"]
