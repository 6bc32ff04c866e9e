"""The call records a server keeps (V6, G2, P3, H2): once each, from Kamailio's events and what devices hand in."""

from servers.records.call import CallRecord, Result, Wanted, csv_text
from servers.records.keeper import RecordKeeper, records

__all__ = ["CallRecord", "RecordKeeper", "Result", "Wanted", "csv_text", "records"]
