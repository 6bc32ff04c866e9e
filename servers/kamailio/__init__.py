"""Kamailio as every SIP server of the system: shared configuration, its data files, and its supervisor."""
