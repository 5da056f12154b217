"""The blocks of a vector, of a square: style (Gram, EfficientNet-Lite0) and colour (RGB cubes)."""
