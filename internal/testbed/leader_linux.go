package testbed

import (
	"fmt"
	"os"
	"runtime"
	"syscall"
	"time"
)

// zombieLeader ends its first thread and lives on in the others: /proc shows it
// as a zombie, and it still runs.
func zombieLeader([]string) int {
	for range 100 {
		go func() {
			runtime.LockOSThread()
			if syscall.Gettid() == os.Getpid() {
				fmt.Println("ready", os.Getpid())
				syscall.Syscall(syscall.SYS_EXIT, 0, 0, 0)
			}
			time.Sleep(forever)
		}()
	}
	time.Sleep(forever)
	return 0
}
