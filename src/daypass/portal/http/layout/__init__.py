"""How pages look and feel: the frame around them, the pieces they are made of, and the way in to them.

README.md says how to add a page, a piece and an entry of the navigation.
"""
