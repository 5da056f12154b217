"""Style weights from pictures by artist: ``python -m artsimilarity.encoder.train``.

Nothing is imported here, so that importing a piece never loads the others.
"""
