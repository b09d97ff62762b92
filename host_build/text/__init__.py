"""Tables and files from templates."""
