"""Tests of the SIP servers and of the community's authority."""
