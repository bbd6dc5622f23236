"""Steps from one case format to the next (alembic), run by the program itself after a backup."""
