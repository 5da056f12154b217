"""Whose pictures they are."""

MODEL = "gallery.Artwork"
TITLE = "title"
