"""What visitors leave for a home (V5): taken from doors by tus, kept encrypted, shared by the home's devices.

An item is a row in the server's database and a file of AES-256-GCM chunks, so any part is read alone. Its own key is
wrapped (RFC 3394) with its home's key, a file of mode 0600 in `[messages] keys`: rotation wraps again and encrypts
nothing again, deletion destroys the item's key. How much of an upload counts is read from its file, where a torn last
chunk is found by its tag. When a home is full, pictures and what was seen give way, unseen messages never.
"""
