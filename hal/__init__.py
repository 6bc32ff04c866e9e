"""What a board can do, as small protocols, and the backends that do it."""
