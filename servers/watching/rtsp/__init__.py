"""RTSP 1.0 (RFC 2326) passed on to a camera: every request is understood, checked and made anew, never copied."""
