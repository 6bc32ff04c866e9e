"""Interoperation with other people's clients; their launchers are in `sim.peers`, since the bench uses them too."""
