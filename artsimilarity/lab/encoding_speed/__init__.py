"""Speed and memory from file bytes to vector: ``python -m artsimilarity.lab.encoding_speed``."""
