package proc

import (
	"cmp"
	"fmt"
	"path/filepath"
	"strings"
	"text/tabwriter"
	"time"

	"topobench/internal/text"
)

// commandWidth bounds a command in a table, in characters; the arguments by which two
// workers differ tend to come early.
const commandWidth = 160

// columnWidth aligns the rows of tables that are made one after another.
const columnWidth = 13

// Table describes processes for a person, the headings first: pid, state, the kernel function
// it waits in, age, service, command. name returns a process's service; if it is nil or
// returns "", the name of the log that the process writes is used.
func Table(all []Proc, name func(Proc) string) []string {
	if len(all) == 0 {
		return nil
	}
	var rows strings.Builder
	columns := tabwriter.NewWriter(&rows, columnWidth, 0, 2, ' ', 0)
	fmt.Fprintln(columns, "PID\tSTATE\tWAITS IN\tAGE\tSERVICE\tCOMMAND")
	for _, p := range all {
		service := ""
		if name != nil {
			service = name(p)
		}
		if service == "" {
			service = logOf(p)
		}
		fmt.Fprintf(columns, "%d\t%c\t%s\t%s\t%s\t%s\n",
			p.PID, p.State, cmp.Or(Wchan(p.PID), "-"), age(p), cmp.Or(service, "-"), command(p))
	}
	columns.Flush() // into memory
	return strings.Split(strings.TrimRight(rows.String(), "\n"), "\n")
}

// age is the time since p started, to the second.
func age(p Proc) string {
	up := uptime()
	if born := time.Duration(p.Ticks) * tick; up >= born {
		return (up - born).Truncate(time.Second).String()
	}
	return "-"
}

// logOf is the name of a log that p writes, as "decode-0" of decode-0.log.
func logOf(p Proc) (name string) {
	eachFD(p, func(fd, path string) bool {
		log, found := strings.CutSuffix(filepath.Base(path), ".log")
		if found && writable(p, fd) {
			name = text.Clean(log)
		}
		return name != ""
	})
	return name
}

// command is the command line of p, or its name where that is unreadable.
func command(p Proc) string {
	words, err := Cmdline(p.PID)
	if err != nil || len(words) == 0 {
		return text.Clean("[" + p.Comm + "]")
	}
	return text.Line(strings.Join(words, " "), commandWidth)
}
