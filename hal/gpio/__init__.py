"""Relays, keypads, buttons, contacts and lamps on the pins of a board, by gpiozero."""
