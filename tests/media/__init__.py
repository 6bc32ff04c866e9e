"""Tests; see the sources they mirror."""
