"""The console's wall: doors and cameras beside each other, watched without a call (M2, M4)."""
