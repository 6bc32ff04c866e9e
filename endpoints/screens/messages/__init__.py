"""What visitors left, on a resident's screen (V5): list, pictures, films, a lamp; kept by the home's server."""
