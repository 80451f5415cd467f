"""The pages under *Administrator*. They contain no rules: every change is made by `portal/admin`."""
