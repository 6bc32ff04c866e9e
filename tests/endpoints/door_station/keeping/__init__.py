"""Tests of what keeps and uploads what visitors leave."""
