"""What a server exchanges with the server above over HTTP: the directory comes down, missed calls go both ways."""
