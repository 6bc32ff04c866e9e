"""SIP: the agent that the apps command, and the only place that imports pjsua2."""
