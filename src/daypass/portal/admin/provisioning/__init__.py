"""The identity providers that provision by SCIM, for Administrators."""
