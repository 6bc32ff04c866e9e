"""The world of the simulated devices: street, rooms, wires and people."""
