"""SIP messages as the servers saw them, put together to one ladder per visit that a person can read."""
