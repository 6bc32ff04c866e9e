"""What visitors leave (V5): recorded, kept on this device whatever happens to it, and uploaded to the home's server.

A film is made of fragments from the one encoder's packets (`media/movie.py`), each synced and with a checksum behind
it, so that a power cut costs its torn end only. A finished one gets its index (`sidx`) in room that was kept for it, in
two synced steps: at any instant it is a film. The store's own index can be made anew from the files.
"""
