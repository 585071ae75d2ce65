package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// python runs Dynamo's modules. With -c it reports the installed packages: Dynamo 1.6.1, or
// none with FAKE_PYTHON=bare. With FAKE_PYTHON=offline it reaches no hub.
func python(args []string) int {
	if fails, _ := fault("PYTHON"); flags(args)["c"] != "" {
		if fails == "offline" && strings.Contains(flags(args)["c"], "huggingface_hub") {
			fmt.Println("Traceback (most recent call last):\n  File \"<string>\"\n" +
				"httpx.ConnectError: [Errno -2] Name or service not known")
			return 1
		}
		if fails == "bare" {
			fmt.Println(`{"versions": {}, "modules": [], "stamps": {}}`)
		} else {
			fmt.Println(`{"versions": {"ai-dynamo": "1.6.1"}, "modules": ["dynamo"], "stamps": {}}`)
		}
		return 0
	}
	switch module := flags(args)["m"]; module {
	case "dynamo.frontend":
		return dynamoFrontend(args)
	case "dynamo.mocker":
		return dynamoMocker(args)
	default:
		fmt.Fprintf(os.Stderr, "python3: Error while finding module specification for '%s' (ModuleNotFoundError)\n",
			module)
		return 1
	}
}

// fault returns how a program has to misbehave: the first word of FAKE_<program>, which a
// profile's env sets, or of LC_FAKE_<program>, which comes from topobench's own environment;
// and the number after that word, if any. If the third word is "once", only the first process
// of the program in a run misbehaves; if it is "again", all others do.
func fault(program string) (name string, n int) {
	text := os.Getenv("FAKE_" + program)
	if text == "" {
		text = os.Getenv("LC_FAKE_" + program)
	}
	words := append(strings.Fields(text), "", "", "")
	if words[2] == "once" && !first(program) || words[2] == "again" && first(program) {
		return "", 0
	}
	n, _ = strconv.Atoi(words[1])
	return words[0], n
}

// first reports whether this is the first process of the program in a run.
func first(program string) bool {
	err := os.Mkdir(filepath.Join(os.Getenv("TMPDIR"), "fake-"+program), 0o700)
	return err == nil
}

// flags reads -name value and --name value. The last value of a name counts.
func flags(args []string) map[string]string {
	values := map[string]string{}
	for i, arg := range args {
		if strings.HasPrefix(arg, "-") && i+1 < len(args) {
			values[strings.TrimLeft(arg, "-")] = args[i+1]
		}
	}
	return values
}

// serve answers on an address until a signal ends it. With FAKE_SHARED it shares
// the port (SO_REUSEPORT).
func serve(address string, h http.Handler) int {
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM, syscall.SIGINT, syscall.SIGQUIT)
	var config net.ListenConfig
	if os.Getenv("FAKE_SHARED") != "" {
		config.Control = func(_, _ string, c syscall.RawConn) (err error) {
			fault := c.Control(func(fd uintptr) {
				err = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_REUSEPORT, 1)
			})
			return errors.Join(fault, err)
		}
	}
	l, err := config.Listen(context.Background(), "tcp", address)
	if err != nil {
		fmt.Println("ERROR:", err)
		return 1
	}
	go func() { fmt.Println("ERROR:", http.Serve(l, h)) }()
	fmt.Println("serving on", address)
	select {
	case sig := <-stop:
		fmt.Println("stopping on", sig)
	case <-time.After(forever):
	}
	return 0
}

// hang waits as long as a child may live.
func hang() int {
	fmt.Println("hanging")
	time.Sleep(forever)
	return 0
}
