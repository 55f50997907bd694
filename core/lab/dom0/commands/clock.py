"""Commands of this topic."""
