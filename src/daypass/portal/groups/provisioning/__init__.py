"""Provisioning of groups by SCIM (RFC 7644): the groups of an identity provider and their members."""
