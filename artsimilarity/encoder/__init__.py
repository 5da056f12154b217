"""Pictures to vectors: recipe, picture reading, network and descriptors, without any Django.

Nothing is imported here, so that reading a recipe or a picture never loads torch.
"""
