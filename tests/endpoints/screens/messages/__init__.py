"""Tests of what visitors left, on a resident's screen."""
