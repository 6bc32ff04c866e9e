"""Tests of sim/bench/."""
