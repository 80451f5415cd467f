"""The reference pages of the documentation, which are made from the code; scripts/reference writes them."""
