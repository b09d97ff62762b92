"""How well the search in pictures works: scenes, photographs of packages, and the table of both."""
