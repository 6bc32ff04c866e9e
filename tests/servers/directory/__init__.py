"""Tests of the directory that a community is edited in."""
