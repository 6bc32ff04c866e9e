"""Tests of the door station."""
