"""Every change of a request, each one transaction; and the rules that protect who is called."""
