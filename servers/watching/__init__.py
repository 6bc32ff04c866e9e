"""Watching a door or a camera without a call (M1 to M4): leases, tokens, and what is forwarded while a lease holds.

A lease names one door or camera, its viewers and its end; when it ends, so do its streams. A door believes a token
(JWT) signed by the server that gave the lease; the keys come with the directory. Nothing of a client's request goes on
at HomeLink: it asks the door itself, and RTSP requests are read, checked and made anew.
"""
