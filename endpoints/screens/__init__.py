"""What every device with a screen does: ring with the live picture, answer, talk, unlock, and call others."""
