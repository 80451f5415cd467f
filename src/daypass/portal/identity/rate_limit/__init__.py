"""How often anybody may guess, and which browsers have a budget of their own."""
