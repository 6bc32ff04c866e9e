"""Tests of the call records and of the database that they are kept in."""
