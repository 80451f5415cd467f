"""The Administrator's pages. None of them decides anything: every change is made by `portal/admin`."""
