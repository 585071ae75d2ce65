package host

import (
	"fmt"
	"os"
)

// ends are the files that connect this process, a shepherd and its child.
type pipes struct {
	lifeline, reports *os.File // ours
	// The shepherd's; closed here once it has them, or the end of the reports
	// would never be seen.
	orders, answers, log *os.File
}

func open(logPath string) (e pipes, err error) {
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

// release closes what the shepherd has its own copy of. Nothing was written
// through these, so closing them cannot lose anything.
func (e pipes) release() {
	e.orders.Close()
	e.answers.Close()
	e.log.Close()
}
