"""Indoor unit: the screen in a flat."""
