"""The behaviour that indoor unit and phone share: ring with the live picture, answer, talk, unlock."""
