"""Watching a door without a call (M1, M2): the one encoder's pictures over HTTPS and RTSP, to whoever has a token.

Watchers get the encoder's packets, made into each form once, from a loop of lower priority; who is behind loses whole
groups of pictures. RTSP is GStreamer's server in a process of Debian's Python, which asks the door about every client.
"""
