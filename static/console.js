// What every page of the console does beyond what it does without a script.
