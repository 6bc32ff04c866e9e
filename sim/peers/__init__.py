"""Other people's SIP clients, started headless: what we interoperate with in tests and are measured against."""
