"""What indoor unit and phone share beyond any screen: the guard's button, the emergency button."""
