package host

import "fmt"

// Resource is something that one run at a time may have on a machine, such as a port: Key for the kernel, Name for a
// person.
type Resource struct{ Key, Name string }

// TakenError reports a resource that another run of topobench has claimed.
type TakenError struct {
	Name   string
	Holder string // " (process 4711)"; "" = unknown
}

func (e *TakenError) Error() string {
	return fmt.Sprintf("%s is held by another topobench run%s", e.Name, e.Holder)
}

// Removed is what a teardown has ended on a machine beside the services themselves.
type Removed struct {
	Killed int      // processes of the run that had escaped from their shepherds
	Table  []string // of those, a row each
	Shm    []string // removed files of /dev/shm
	Others []string // files of /dev/shm that belong to others
}
