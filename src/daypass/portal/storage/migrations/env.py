"""The Alembic environment, which runs migrations in the transaction that `migrate` has opened."""

from alembic import context

from daypass.portal.storage.schema import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
with context.begin_transaction():
    context.run_migrations()
