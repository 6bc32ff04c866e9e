"""HomeLink: the SIP server of one home, where its screens register and a door station's call rings them all."""
