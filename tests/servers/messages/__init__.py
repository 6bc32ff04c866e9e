"""Tests of what visitors leave, as the home's server keeps it."""
