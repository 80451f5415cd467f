"""Provisioning by SCIM (RFC 7644): the users of an identity provider, and the tokens of the providers."""
