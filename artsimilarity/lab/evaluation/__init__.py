"""Quality of recipes on a labelled folder: ``python -m artsimilarity.lab.evaluation``."""
