"""Run by Alembic: the migrations, in the transaction that `Database.migrate` opened."""

from alembic import context

from ringback.store.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    transactional_ddl=True,
    render_as_batch=True,
)
context.run_migrations()
