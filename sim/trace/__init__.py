"""SIP messages as the servers saw them, put together to one ladder per visit that a person can read.

Each server copies its SIP messages here (HEP); the stages of a visit are joined by Session-ID.
"""
