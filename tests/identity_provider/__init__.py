"""An OpenID provider that this project did not write (npm oidc-provider), as the portal of a test sees it."""
