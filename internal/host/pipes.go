package host

import (
	"fmt"
	"os"
)

// pipes are the files that connect this process, a shepherd and its child.
type pipes struct {
	lifeline, reports *os.File // ours
	// The shepherd's. This process closes its copies once the shepherd has them, or it
	// would never see the end of the reports.
	orders, answers, log *os.File
	stdin, stdout        *os.File // of a Piped child; not closed by release
}

func openPipes(logPath string) (e pipes, err error) {
	e.log, err = os.OpenFile(logPath, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return e, fmt.Errorf("cannot open its log: %w", err)
	}
	if e.orders, e.lifeline, err = os.Pipe(); err != nil {
		e.log.Close()
		return e, fmt.Errorf("cannot make its lifeline: %w", err)
	}
	if e.reports, e.answers, err = os.Pipe(); err != nil {
		e.log.Close()
		e.orders.Close()
		e.lifeline.Close()
		return e, fmt.Errorf("cannot make the pipe for its reports: %w", err)
	}
	return e, nil
}

// release closes the shepherd's ends. Nothing was written through these copies, so an
// error of Close loses nothing.
func (e pipes) release() {
	e.orders.Close()
	e.answers.Close()
	e.log.Close()
}
