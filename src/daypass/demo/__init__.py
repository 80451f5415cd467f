"""The demo: a seeded sandbox and portal, a checklist of what they do, and instructions to try them."""
