"""Old public path of the registry in a database, which has never had anything to do with SQLAlchemy
here."""

from mlflow.store.model_registry.sql.store import SqlRegistry as SqlAlchemyStore

__all__ = ["SqlAlchemyStore"]
