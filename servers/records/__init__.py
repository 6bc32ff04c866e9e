"""The call records a server keeps (V6, G2, P3, H2): once each, from Kamailio's events and what devices hand in.

Kamailio writes small events (a call's begin before the INVITE goes on), the server's own process folds each of them
once into its database, whatever that is. A record of the same call from Kamailio, a device and a neighbour is one row,
by Session-ID and caller or by Call-ID; `duty.py` says who keeps it.
"""

from servers.records.call import CallRecord, Result, Wanted, csv_text
from servers.records.keeper import RecordKeeper, records

__all__ = ["CallRecord", "RecordKeeper", "Result", "Wanted", "csv_text", "records"]
