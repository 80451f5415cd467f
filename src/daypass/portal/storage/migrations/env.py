"""How Alembic runs the steps: on the connection, and in the transaction, that `migrate` gives it."""

from alembic import context

from daypass.portal.storage.schema import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
with context.begin_transaction():
    context.run_migrations()
