"""H.264, RTP, SRTP, sound and snapshots: data and packets, no devices."""
