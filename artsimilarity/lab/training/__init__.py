"""Style weights from pictures by artist: ``python -m artsimilarity.lab.training``.

Nothing is imported here, so that importing a piece never loads the others.
"""
