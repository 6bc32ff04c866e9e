"""Tests of what indoor unit and phone share."""
