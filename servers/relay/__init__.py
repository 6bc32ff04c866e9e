"""How phones on 4G reach what is kept at home (V5, M1, M3): the lower server connects out, the upper one asks."""
