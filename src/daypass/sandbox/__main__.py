"""`python -m daypass.sandbox`: the same as `daypass sandbox`."""

from daypass.sandbox.commands import sandbox

sandbox(prog_name="daypass sandbox")
