"""Watching doors and cameras without a call (M1 to M4): leases, live pictures, who else watches, how late it is."""
