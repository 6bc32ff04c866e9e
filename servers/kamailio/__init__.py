"""Kamailio as every SIP server of the system: shared configuration, its data files, and its supervisor.

Several machines may be one server. Its nodes are equal: each knows all contacts (DMQ) and hands a call to the node that
holds the device's connection; that node only passes it on, rules and record stay with the first. Nothing that a call
needs is in the shared database (PostgreSQL) alone. The guards' queue, suspended transactions, is each node's own.

Registrations are written without waiting for the disk: they survive kill -9, a power cut may cost some, for minutes.
Each request in a dialog renews a call's time at every server; when it runs out, both ends get BYE (RFC 4028).
"""
