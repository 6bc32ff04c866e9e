"""A community on one desktop: real servers, real endpoints, simulated devices and people."""
