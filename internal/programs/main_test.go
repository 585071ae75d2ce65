package programs_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"topobench/internal/testbed"
)

// asked makes the test binary the program that is asked: its file takes a line
// for every time, with what lies in the directory for temporary files meanwhile.
const asked = "-c"

func TestMain(m *testing.M) {
	if len(os.Args) > 1 && (os.Args[1] == asked || os.Args[1] == "-v" || os.Args[1] == "--version") {
		answer()
		return
	}
	testbed.Main(m)
}

// answer is what a test wants a program to say.
func answer() {
	log, err := os.OpenFile(os.Getenv("ASKED"), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err == nil {
		var names []string
		names, err = filepath.Glob(filepath.Join(os.Getenv("LISTS"), "topobench-*"))
		if _, fault := fmt.Fprintln(log, os.Args[1], names); fault != nil {
			err = fault
		}
	}
	if err != nil {
		fmt.Println(err)
		testbed.End(3)
	}
	fmt.Println(os.Getenv("SAYS"))
	if os.Getenv("SAYS") == "" {
		testbed.End(1)
	}
	testbed.End(0)
}
