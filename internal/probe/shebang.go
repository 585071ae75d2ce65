package probe

import (
	"io"
	"os"
	"path/filepath"
	"strings"
)

// headBytes of a script hold its first lines; Linux reads 256 bytes itself.
const headBytes = 1024

// interpreter is the Python that runs the script at path, links kept, since an
// environment's python is one. "" if the file is no script of Python's.
func interpreter(path string, look func(name string) string) string {
	file, err := os.Open(path)
	if err != nil {
		return "" // it is told when the program is started
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
		return look(command)
	}
	return command
}

// besideScript is how uv's relocatable scripts name the directory they lie in.
const besideScript = `"$(dirname -- "$(realpath -- "$0")")"/`

// shebang is the command that a script's first lines name: a path, a bare name
// where env looks it up, or a path below besideScript. pip and uv write paths that
// are too long, or have a space, as a script of sh that Python takes for a string:
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
