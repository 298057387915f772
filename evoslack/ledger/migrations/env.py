"""Runs the migrations on the connection that `ledger.store` hands over, in one transaction."""

from alembic import context

from evoslack.ledger.schema import metadata

context.configure(
    connection=context.config.attributes["connection"], target_metadata=metadata, transactional_ddl=True
)
with context.begin_transaction():
    context.run_migrations()
