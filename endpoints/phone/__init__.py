"""Phone: a resident's phone, the behaviour of an indoor unit without a board."""
