"""Speed and memory from file bytes to vector: ``python -m artsimilarity.encoder.benchmark``."""
