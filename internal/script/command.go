package script

// Command is words as one line of POSIX shell that a person can paste.
func Command(words ...string) string { return quoteAll(words) }
