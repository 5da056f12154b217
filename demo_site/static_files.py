"""Style sheets, scripts and icons under names that follow from their content."""

from __future__ import annotations

from whitenoise.storage import CompressedManifestStaticFilesStorage


class HashedStaticFiles(CompressedManifestStaticFilesStorage):  # type: ignore[misc]
    """Browsers keep a file for good; another content has another name.

    Until ``collectstatic`` has run, a file has its plain name: commands and tests need none.
    """

    def stored_name(self, name: str) -> str:
        """The name with the hash, or the plain one."""
        try:
            hashed: str = super().stored_name(name)
        except ValueError:  # neither in the manifest nor in the folder
            return name
        return hashed
