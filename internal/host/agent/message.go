package agent

import (
	"fmt"
	"regexp"
	"strings"

	"topobench/internal/text"
)

// Message is an output of a program on the way to a host, and the next step.
type Message struct {
	Program string // that prints it
	Pattern string // a regular expression for one line
	Means   string // ADDRESS in it, and in Next, is the host's
	Next    string
}

// Table makes the messages of one program from rows of Pattern, Means and Next.
func Table(program string, rows [][3]string) (messages []Message) {
	for _, r := range rows {
		messages = append(messages, Message{Program: program, Pattern: r[0], Means: r[1], Next: r[2]})
	}
	return messages
}

// Explain finds the first message of a table that is in output; nil = none is. to replaces ADDRESS.
func Explain(table []Message, to, output string) error {
	lines := text.Lines([]byte(output))
	for _, m := range table {
		pattern := regexp.MustCompile(m.Pattern)
		for _, line := range lines {
			if pattern.MatchString(line) {
				means, next := strings.ReplaceAll(m.Means, "ADDRESS", to), strings.ReplaceAll(m.Next, "ADDRESS", to)
				return fmt.Errorf("%s: %s (%s printed %q)", means, next, m.Program, text.Line(line, lineWidth))
			}
		}
	}
	return nil
}

// lineWidth is how much of a program's line a message quotes, in characters.
const lineWidth = 200

// Messages are those of the shell and its tools on the host, whatever reached it.
func Messages() []Message {
	return Table("the shell", [][3]string{
		{`No space left on device|Disk quota exceeded`,
			"the disk of the host is full",
			"free space on it, or set TMPDIR or XDG_CACHE_HOME there to a directory that has some (df -h)"},
		{`(?i)Read-only file system`,
			"the directories of the host are read-only",
			"set TMPDIR or XDG_CACHE_HOME there to a directory where you may write"},
		{`noexec`,
			"topobench cannot run on the host: its writable directories are mounted noexec",
			"set TMPDIR or XDG_CACHE_HOME there to a directory on a file system that allows programs"},
		{`belongs to another user, or is open to others`,
			"topobench does not run from a directory of another user",
			"remove that directory, or set TMPDIR or XDG_CACHE_HOME there to a directory of your own"},
		{`(gzip|sha256sum|mktemp): .*not found`,
			"a program is missing on the host",
			"install gzip and coreutils there"},
		{`checksums? did NOT match`,
			"the copy of topobench on the host is not what was sent",
			"start again; if it comes again, look for a fault of the disk there (dmesg)"},
		{`[Ee]xec format error|cannot execute binary file`,
			"the copy of topobench on the host is damaged, or for another processor",
			"remove topobench's directory from the cache there (~/.cache/topobench), and start again"},
		{`This account is (currently )?not available|nologin`,
			"the account has no shell on the host",
			"give another user in hosts of the profile, or by --hosts"},
		{`(?i)Permission denied$`,
			"you may not write to the directories of the host",
			"set TMPDIR or XDG_CACHE_HOME there to a directory where you may write"},
	})
}
