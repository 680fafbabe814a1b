"""RPCs of the web UI: private, for browsers only, and free to change with the UI.

What a page shows is found in two steps: the ids of all rows at once, and then, as columns, what is
seen of those that are on the screen.
"""
