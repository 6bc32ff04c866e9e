"""Tests of the relay between a phone on 4G and its home."""
