"""The common part of every page: the layout around it, its components, and the endpoints that serve it.

README.md says how to add a page, a component and a navigation entry.
"""
