"""Management server: the community's server, between the homes, the guards, the doors and the cloud."""
