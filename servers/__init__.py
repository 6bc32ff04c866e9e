"""The SIP servers: a Kamailio configuration from one shared base, and the commands around it."""
