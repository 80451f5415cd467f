"""Every administrative change, once, whichever door asks for it."""
