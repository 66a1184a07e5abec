"""What became of the call: Samespace's records, people's words, and the promise that is measured from both."""
