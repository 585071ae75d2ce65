package main

import (
	"fmt"
	"os"
	"runtime"
	"syscall"
	"time"
)

// zombieLeader ends its first thread and keeps running in the others, so /proc shows a zombie.
// A goroutine cannot choose its thread, so zombieLeader starts goroutines until one runs on
// the first thread.
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
