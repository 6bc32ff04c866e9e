"""Tests of watching without a call."""
