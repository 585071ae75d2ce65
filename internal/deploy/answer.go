package deploy

import "topobench/internal/text"

const answerWidth = 500 // characters

// readable is the answer of a server for a person, in one line without HTML.
func readable(answer string) string { return text.Ends(text.Message(answer), answerWidth) }
