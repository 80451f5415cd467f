"""The sandbox's AWS console: federation endpoint, sign-in tokens and pages."""
