"""Tests of watching doors and cameras on a screen."""
