"""The HTTP server: listening socket, TLS, granian, the supervisor of the workers, and their stop."""
