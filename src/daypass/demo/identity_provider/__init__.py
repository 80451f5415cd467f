"""The demo's OpenID provider: every visitor can sign in as every person of the demo. Not for production."""
