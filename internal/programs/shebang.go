package programs

import (
	"io"
	"os"
	"path/filepath"
	"strings"
)

// headBytes is enough for a script's first lines; Linux itself reads 256 bytes.
const headBytes = 1024

// interpreter is the Python that runs the script at path, or "" if the file is no Python script. Symbolic links are
// kept, because an environment's python is one.
func interpreter(path string, lookPath func(name string) string) string {
	file, err := os.Open(path)
	if err != nil {
		return "" // starting the program reports the error
	}
	defer file.Close()
	head := make([]byte, headBytes)
	n, err := io.ReadFull(file, head)
	if err != nil && err != io.ErrUnexpectedEOF {
		return ""
	}
	command := shebang(string(head[:n]))
	if beside, ok := strings.CutPrefix(command, besideScript); ok {
		real, err := filepath.EvalSymlinks(path)
		if err != nil {
			return ""
		}
		command = filepath.Join(filepath.Dir(real), beside)
	}
	if !strings.HasPrefix(filepath.Base(command), "python") {
		return ""
	}
	if !strings.Contains(command, "/") {
		return lookPath(command)
	}
	return command
}

// besideScript is how uv's relocatable scripts name their own directory.
const besideScript = `"$(dirname -- "$(realpath -- "$0")")"/`

// shebang is the command that a script's first lines name: a path, a bare name for env to look up, or a path below
// besideScript. For paths that are too long or have a space, pip and uv write a sh script that Python reads as a
// string:
//
//	#!/bin/sh
//	'''exec' "/long path/bin/python" "$0" "$@"
func shebang(head string) string {
	line, rest, _ := strings.Cut(head, "\n")
	line, found := strings.CutPrefix(line, "#!")
	words := strings.Fields(line)
	switch {
	case !found || len(words) == 0:
		return ""
	case filepath.Base(words[0]) == "env":
		for _, word := range words[1:] {
			if !strings.HasPrefix(word, "-") && !strings.Contains(word, "=") {
				return word
			}
		}
		return ""
	case words[0] != "/bin/sh":
		return words[0]
	}
	command, _, _ := strings.Cut(rest, "\n")
	command, found = strings.CutPrefix(command, "'''exec' ")
	command, _, ends := strings.Cut(command, ` "$0" "$@"`)
	if !found || !ends {
		return ""
	}
	if beside, ok := strings.CutPrefix(command, besideScript); ok {
		return besideScript + strings.Trim(beside, `'"`)
	}
	return strings.Trim(command, `'"`)
}
