"""Tests of watching a door station without a call."""
