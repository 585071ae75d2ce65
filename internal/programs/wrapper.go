package programs

import (
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Wrappers: scriptBytes is more than any has, and wrappersDeep bounds a chain of them, which may be a circle.
const (
	scriptBytes  = 64 << 10
	wrappersDeep = 4
)

// python is the interpreter that runs the program at path, "" if it is unknown. wrapped reports that a shell script
// starts it, so that what the interpreter alone can import is not sure.
func (p Prober) python(path string) (python string, wrapped bool) {
	for range wrappersDeep {
		if python := interpreter(path, p.lookPath); python != "" {
			return python, wrapped
		}
		next := p.wrapped(path)
		if next == "" || strings.HasPrefix(filepath.Base(next), "python") {
			return next, true
		}
		path, wrapped = next, true
	}
	return "", true
}

// wrapped is the program that a shell script passes its arguments to, "" if the file is no such script or the
// program cannot be read from its text. It starts nothing.
func (p Prober) wrapped(path string) string {
	file, err := os.Open(path)
	if err != nil {
		return ""
	}
	defer file.Close()
	script, err := io.ReadAll(io.LimitReader(file, scriptBytes))
	if err != nil || !strings.HasPrefix(string(script), "#!") {
		return ""
	}
	var bin, root string // of an environment that the script activates, and of pyenv
	program := ""
	for line := range strings.Lines(string(script)) {
		words := shellWords(line)
		switch {
		case len(words) == 2 && (words[0] == "source" || words[0] == ".") && filepath.Base(words[1]) == "activate":
			bin = filepath.Dir(words[1])
		case len(words) == 2 && words[0] == "export" && strings.HasPrefix(words[1], "PYENV_ROOT="):
			root = strings.Trim(strings.TrimPrefix(words[1], "PYENV_ROOT="), `'"`)
		case len(words) > 1 && words[len(words)-1] == "$@":
			program = p.started(words[:len(words)-1], filepath.Base(path), bin, root)
		}
	}
	if path, err := executable(program); err == nil && program != "" {
		return path
	}
	return ""
}

// shellWords are the words of a line without their quotes. A word with a blank in it comes apart, and then names no
// program.
func shellWords(line string) []string {
	words := strings.Fields(line)
	for i := range words {
		words[i] = strings.Trim(words[i], `'"`)
	}
	return words
}

// started is the path of the program that a command of a wrapper starts in the end.
func (p Prober) started(command []string, name, bin, root string) string {
	words := slices.Clone(command)
	for len(words) > 0 && (words[0] == "exec" || words[0] == "env" || strings.Contains(words[0], "=")) {
		words = words[1:]
	}
	switch {
	case len(words) == 0:
		return ""
	case filepath.Base(words[0]) == "pyenv":
		return filepath.Join(root, "versions", p.pyenvVersion(root), "bin", name)
	case slices.Contains([]string{"conda", "mamba", "micromamba"}, filepath.Base(words[0])):
		return condaProgram(words)
	case filepath.IsAbs(words[0]) && (len(words) == 1 || strings.HasPrefix(filepath.Base(words[0]), "python")):
		return words[0]
	case bin != "" && len(words) == 1:
		return filepath.Join(bin, words[0])
	}
	return ""
}

// pyenvVersion is the version of Python that pyenv takes away from any project.
func (p Prober) pyenvVersion(root string) string {
	version := p.getenv("PYENV_VERSION")
	if data, err := os.ReadFile(filepath.Join(root, "version")); version == "" && err == nil {
		version = strings.TrimSpace(string(data))
	}
	first := strings.FieldsFunc(version, func(r rune) bool { return r == ':' || r == '\n' })
	if len(first) == 0 {
		return "system"
	}
	return first[0]
}

// condaProgram is the program of "conda run -n NAME PROGRAM" and "conda run -p DIR PROGRAM".
func condaProgram(words []string) string {
	prefix := ""
	for i := 2; i < len(words); i++ {
		switch word := words[i]; {
		case words[1] != "run":
			return ""
		case (word == "-n" || word == "--name") && i+1 < len(words):
			i++
			prefix = filepath.Join(filepath.Dir(filepath.Dir(words[0])), "envs", words[i])
		case (word == "-p" || word == "--prefix") && i+1 < len(words):
			i++
			prefix = words[i]
		case !strings.HasPrefix(word, "-"):
			return filepath.Join(prefix, "bin", word)
		}
	}
	return ""
}

// getenv looks a variable up in the environment of the probed program.
func (p Prober) getenv(name string) string {
	for _, kv := range slices.Backward(p.Environ) { // the last one counts
		if value, found := strings.CutPrefix(kv, name+"="); found {
			return value
		}
	}
	return ""
}
