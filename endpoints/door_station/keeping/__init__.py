"""What visitors leave (V5): recorded, kept on this device whatever happens to it, and uploaded to the home's server."""
