"""Style weights from pictures by artist: ``python -m artsimilarity.lab.training``."""
