"""The directory of a community, edited at the management server: flats, who may open, telephones, consoles."""
