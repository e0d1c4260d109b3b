"""What alembic runs: the upgrade, in the transaction that `migrate` holds."""

from alembic import context

from bot.adapters.store.tables import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
context.run_migrations()
