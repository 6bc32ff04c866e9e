"""Real SIP peers as test fixtures: baresip, Linphone, SIPp."""
