package script

import _ "embed"

// helpers are the functions that a script calls, and its traps.
//
//go:embed helpers.sh
var helpers string
