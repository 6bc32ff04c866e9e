"""Watching a door or a camera without a call (M1 to M4): leases, tokens, and what is forwarded while a lease holds."""
