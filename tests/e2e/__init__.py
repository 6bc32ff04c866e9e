"""Whole visits over real processes: door station, HomeLink, indoor units, phone, as on a site."""
