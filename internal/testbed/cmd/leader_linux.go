package main

import (
	"fmt"
	"os"
	"runtime"
	"syscall"
	"time"
)

// zombieLeader ends its first thread and lives on in the others: /proc shows it
// as a zombie, and it still runs. Which thread runs a goroutine is not ours to say,
// so they are started until one has the first.
func zombieLeader([]string) int {
	caught := make(chan bool, 1)
	for {
		go func() {
			runtime.LockOSThread()
			if syscall.Gettid() == os.Getpid() {
				fmt.Println("ready", os.Getpid())
				caught <- true
				syscall.Syscall(syscall.SYS_EXIT, 0, 0, 0)
			}
			time.Sleep(forever)
		}()
		select {
		case <-caught:
			time.Sleep(forever)
			return 0
		case <-time.After(time.Millisecond):
		}
	}
}
