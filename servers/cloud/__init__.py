"""Cloud server: where phones on mobile networks and the communities' management servers meet."""
