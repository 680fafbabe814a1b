"""Old public path of the store in a database, which has never had anything to do with SQLAlchemy
here."""

from mlflow.store.tracking.sql.store import SqlStore as SqlAlchemyStore

__all__ = ["SqlAlchemyStore"]
