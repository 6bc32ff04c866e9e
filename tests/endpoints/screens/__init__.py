"""Tests of what every device with a screen does."""
