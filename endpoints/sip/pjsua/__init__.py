"""The SIP agent on PJSUA2: one thread of ours makes, polls and destroys every object of the library."""

from endpoints.sip.pjsua.adapter import PjsuaAgent

__all__ = ["PjsuaAgent"]
