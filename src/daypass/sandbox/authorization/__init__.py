"""What a call asks IAM: its action, its resources, its condition keys, and the roles that it passes."""
