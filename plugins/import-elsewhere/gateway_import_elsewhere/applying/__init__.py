"""A plan is made true in the store. What is here already stays as it is, so that it may be done again at any time."""
