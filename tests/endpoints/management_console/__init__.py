"""Tests of the guard's console."""
