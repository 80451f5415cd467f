"""Users, API tokens, and foreign tokens that count once, as rows."""
