"""The firmware: one folder per app, and what the apps share."""
