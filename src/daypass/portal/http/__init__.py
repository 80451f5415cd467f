"""The HTTP channels of the portal, and what they share: authentication, authorization, errors and page layout."""
