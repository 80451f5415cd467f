"""The channel by which identity providers provision users (SCIM 2.0, RFC 7643 and RFC 7644)."""
