"""The decisions of IAM that a call needs: their actions, resources and condition keys."""
