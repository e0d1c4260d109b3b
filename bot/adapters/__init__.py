"""How the world is reached; each adapter translates one vendor into our words."""
