"""What runs on a person's machine; imports nothing from the portal."""
