"""How gunicorn serves Ringback: who may be connected, and whose word is believed about a visitor."""
