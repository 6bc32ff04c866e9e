"""How phones on 4G reach what is kept at home (V5, M1, M3): the lower server connects out, the upper one asks.

Each server offers connections to the one above, over its HTTP service: after `Upgrade: intercom-relay` the upper one
asks and the lower one answers, one request at a time on each, so films, news and WebSockets have TCP's own flow
control, and an end at one side is an end at all. Who asks is said by the upper server, in a header that counts on such
a connection only; what may be asked is a list of paths.
"""
