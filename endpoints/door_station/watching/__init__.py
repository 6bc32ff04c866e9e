"""Watching a door without a call (M1, M2): the one encoder's pictures over HTTPS and RTSP, to whoever has a token."""
