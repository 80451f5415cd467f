"""The portal: web pages and APIs that issue short-lived AWS credentials."""
