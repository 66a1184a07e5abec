"""The protection of the person who is called: what one number, or one widget, may have in a while."""
