"""Tests of the HTTP service beside SIP."""
