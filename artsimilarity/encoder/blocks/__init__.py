"""The blocks of a vector, from a square: style (VGG-19, Gram matrix) and colour (RGB cubes)."""
