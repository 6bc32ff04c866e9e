"""Which authority signs for which community, where each has one of its own."""

from collections.abc import Mapping
from pathlib import Path

from servers.kamailio.database import Databases, opened

_TABLE = "CREATE TABLE IF NOT EXISTS community (authority TEXT PRIMARY KEY, name TEXT NOT NULL)"


def write_communities(databases: Databases, communities: Mapping[str, str]) -> None:
    """Put these (community's name -> authority's name) where Kamailio reads them. Raises ServerError."""
    with opened(databases.accounts) as database:
        database.execute(_TABLE)
        database.execute("DELETE FROM community")
        rows = [(authority, name) for name, authority in communities.items()]
        database.executemany("INSERT INTO community (authority, name) VALUES (?, ?)", rows)


def authorities(path: Path) -> list[str]:
    """Names (CN) of the authorities whose certificates are in a PEM file. Raises ValueError if it holds none."""
    from cryptography import x509
    from cryptography.x509.oid import NameOID

    found = x509.load_pem_x509_certificates(path.read_bytes())
    return [str(part.value) for one in found for part in one.subject.get_attributes_for_oid(NameOID.COMMON_NAME)]
