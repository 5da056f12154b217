"""What the database holds: worker-written fields, columns, the app's own tables, SQL expressions.

Imports ``conf`` and ``encoder.recipe`` alone; every room above may import it.
"""
