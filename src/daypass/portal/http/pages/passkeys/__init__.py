"""The pages about passkeys: a user's own, the step of a sign-in, reauthentication, and recovery."""
