"""Template tags; thin wrappers over ``search``, and nothing but templates loads them."""
