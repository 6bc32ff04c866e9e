"""The tests of this folder run over every database."""

from tests.servers.databases import cluster, database, database_url, postgres_url

__all__ = ["cluster", "database", "database_url", "postgres_url"]
