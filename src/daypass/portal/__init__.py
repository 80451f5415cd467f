"""The server: web pages and an API that hand out short-lived AWS access."""
