class PicturesRouter:
    """Pictures have a database of their own, and nothing else goes there."""

    apps = {"gallery", "artsimilarity"}

    def db_for_read(self, model, **hints):
        return "pictures" if model._meta.app_label in self.apps else "default"

    db_for_write = db_for_read

    def allow_relation(self, one, other, **hints):
        return self.db_for_read(one) == self.db_for_read(other)

    def allow_migrate(self, db, app_label, **hints):
        return db == ("pictures" if app_label in self.apps else "default")


class ForgetfulRouter(PicturesRouter):
    """As it was before: the app's own tables are not beside the pictures."""

    apps = {"gallery"}
