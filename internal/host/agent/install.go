package agent

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"regexp"
	"runtime"
	"strings"

	"topobench/internal/text"
)

// binary is the running program as a file that a host can have a copy of.
type binary struct {
	data []byte
	hash string // SHA-256, in hex
}

// running is the file of a binary. This program's own is the one that runs: after an upgrade its path leads to another,
// whose agent may have another protocol.
func running(path string) string {
	if own, err := os.Executable(); path == "" || err == nil && path == own {
		return "/proc/self/exe"
	}
	return path
}

func readBinary(path string) (binary, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return binary{}, fmt.Errorf("cannot read this program's own file, which the other hosts need: %w", err)
	}
	sum := sha256.Sum256(data)
	return binary{data, hex.EncodeToString(sum[:])}, nil
}

// name is the file's on a host.
func (b binary) name() string { return "agent-" + b.hash[:16] }

// compressed is the binary for the way there.
func (b binary) compressed() (io.Reader, error) {
	var out bytes.Buffer
	w, err := gzip.NewWriterLevel(&out, gzip.BestSpeed)
	if err == nil {
		_, err = w.Write(b.data)
	}
	if err == nil {
		err = w.Close()
	}
	return &out, err
}

// The scripts run in any POSIX shell. They have no single quote, backslash, newline or exclamation mark: the login
// shell of the host, which need not be one, gets them in single quotes.

// places begins a loop over the directories on a host that may have the binary. HOME and the others are the host's.
const places = `umask 077; u=$(id -u); for d in "${XDG_CACHE_HOME:+$XDG_CACHE_HOME/topobench}" ` +
	`"${HOME:+$HOME/.cache/topobench}" "${TMPDIR:+$TMPDIR/topobench-$u}" "/tmp/topobench-$u"; do `

// private holds for a directory $d that belongs to the user, and that neither its group nor others may write to.
// A file that another user put there would run as this user.
const private = `test -d "$d" && test -O "$d" && case $(ls -ld "$d") in d????-??-*) :;; *) false;; esac`

// Markers begin the lines of the scripts, which are apart from the banner of a login.
const (
	missingMark = "topobench-missing"
	placeMark   = "topobench-place"
	copiedMark  = "topobench-copied"
)

// startScript becomes the agent where the host has the binary. Otherwise it prints the system, the first usable place,
// and why those before it are not.
func startScript(b binary, args []string) string {
	return places + `f="$d/` + b.name() + `"; if test -n "$d" && ` + private +
		fmt.Sprintf(` && test -x "$f" && test -O "$f" && test "$(wc -c <"$f")" -eq %d; `, len(b.data)) +
		`then touch "$f"; exec "$f" ` + strings.Join(args, " ") + `; fi; done; ` +
		`echo "` + missingMark + ` $(uname -s) $(uname -m)"; ` + places + `test -n "$d" || continue; ` +
		`e=$(LC_ALL=C mkdir -p "$d" 2>&1) || { echo "` + placeMark + ` no $e"; continue; }; ` +
		private + ` || { echo "` + placeMark + ` no $d belongs to another user, or is open to others"; continue; }; ` +
		`p=$d/probe-$(uname -n)-$$; ` +
		`e=$( { echo "exit 0" | LC_ALL=C tee "$p" >/dev/null && chmod 700 "$p"; } 2>&1 ) || ` +
		`{ rm -f "$p"; echo "` + placeMark + ` no $e"; rmdir "$d" 2>/dev/null; continue; }; ` +
		`"$p" 2>/dev/null; r=$?; rm -f "$p"; ` +
		`test $r -eq 0 || { echo "` + placeMark + ` no $d: noexec"; rmdir "$d" 2>/dev/null; continue; }; ` +
		`echo "` + placeMark + ` yes $d"; break; done; exit 3`
}

// copyScript takes the binary from stdin, checks it, and puts it in its place in one step. Several hosts may share the
// directory, and copy at once. It removes copies that were not used for a month.
func copyScript(b binary, dir string) string {
	return `umask 077; d="` + dir + `"; t=$d/new-$(uname -n)-$$; ` +
		`if mkdir -p "$d" && gzip -dc >"$t" && echo "` + b.hash + `  $t" | sha256sum -c - >/dev/null && ` +
		`chmod 700 "$t" && mv -f "$t" "$d/` + b.name() + `"; then echo ` + copiedMark + `; ` +
		`find "$d"/agent-* -prune -type f -mtime +30 -exec rm -f {} +; else rm -f "$t"; exit 1; fi`
}

// missing is what a host without the binary printed.
type missing struct {
	system, machine string   // uname -s and -m
	usable          string   // a directory; "" = there is none
	unusable        []string // reasons, as the host printed them
}

// parseMissing finds the marked lines in an output; ok = there are some.
func parseMissing(output string) (m missing, ok bool) {
	for _, line := range text.Lines([]byte(output)) {
		mark, rest, _ := strings.Cut(line, " ")
		first, second, _ := strings.Cut(rest, " ")
		switch {
		case mark == missingMark:
			m.system, m.machine, ok = first, second, true
		case mark == placeMark && first == "yes":
			m.usable = second
		case mark == placeMark:
			m.unusable = append(m.unusable, second)
		}
	}
	return m, ok
}

// place is the directory for the binary on a host.
func (m missing) place() (dir string, err error) {
	arch := map[string]string{"x86_64": "amd64", "amd64": "amd64", "aarch64": "arm64", "arm64": "arm64"}[m.machine]
	if m.system != "Linux" || arch != runtime.GOARCH || runtime.GOOS != "linux" {
		return "", fmt.Errorf("it is %s %s, and this topobench is for %s/%s, which does not run there: "+
			"compare hosts of one architecture, and start topobench on one of them",
			m.system, m.machine, runtime.GOOS, runtime.GOARCH)
	}
	if safePath.MatchString(m.usable) {
		return m.usable, nil
	}
	if m.usable != "" {
		m.unusable = append(m.unusable, fmt.Sprintf("the path %q has characters that a shell changes", m.usable))
	}
	if known := Explain(Messages(), "", strings.Join(m.unusable, "\n")); known != nil {
		return "", known
	}
	return "", fmt.Errorf("no directory there takes a program: %s; set TMPDIR or XDG_CACHE_HOME there to one that does",
		strings.Join(m.unusable, "; "))
}

// safePath is a path that the shell takes in double quotes as it is.
var safePath = regexp.MustCompile(`^/[\w./+@:, -]*$`) // constant

// install copies the binary to a host that does not have it.
func (d Dial) install(ctx context.Context, b binary, m missing) error {
	dir, err := m.place()
	if err != nil {
		return err
	}
	data, err := b.compressed()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, copyLimit, fmt.Errorf("no end after %v", copyLimit))
	defer cancel()
	c, err := d.open(copyScript(b, dir))
	if err != nil {
		return err
	}
	defer context.AfterFunc(ctx, func() { c.stop() })()
	go func() { // ends with the data, or when ssh no longer reads
		_, _ = io.Copy(c.In, data) // an error of it shows in the output
		c.In.Close()
	}()
	output, err := io.ReadAll(io.LimitReader(c.Out, heardBytes))
	if strings.Contains(string(output), copiedMark) {
		return c.end()
	}
	if ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	if why := c.end(); why != nil {
		err = why
	}
	return fmt.Errorf("cannot copy topobench to %s there: %w", dir, err)
}
