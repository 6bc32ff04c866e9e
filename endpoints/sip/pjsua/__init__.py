"""The SIP agent on PJSUA2: one thread of ours makes, polls and destroys every object of the library.

Three parts speak to PJSIP's C library through ctypes, because pjsua2 cannot: `front.py` keeps 18x descriptions from
PJSUA (it follows one early dialog, and one bad branch would end the visit), `wakeup.py` lets a command interrupt its
poll, `sound.py` is its clock, its sound device and the reader of its sound packets. A build that exports less is told
in the log and goes on without them.

PJSUA has four places for calls and keeps one for half a minute for a host that said nothing; the agent gives the oldest
of these up when a call needs its place. REFER is ours: PJSUA would place the transferred call itself, without our
picture. A refused PRACK ends no call.
"""

from endpoints.sip.pjsua.adapter import PjsuaAgent

__all__ = ["PjsuaAgent"]
