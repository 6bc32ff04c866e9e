"""What visitors leave for a home (V5): taken from doors by tus, kept encrypted, shared by the home's devices."""
