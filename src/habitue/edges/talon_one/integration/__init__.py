"""The session door: the Integration API of the Talon.One protocol."""
