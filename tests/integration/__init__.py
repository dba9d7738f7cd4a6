"""The session door, seen from outside."""
