// Package ssh reaches a host by the system's own ssh, with the user's configuration, keys, agent and jump hosts.
package ssh

import (
	"context"
	"fmt"
	"strings"
	"time"

	"topobench/internal/host/agent"
)

// alive is the pause between two signs of life of a connection.
const alive = 5 * time.Second

// Transport is a host by ssh; an agent.Transport.
type Transport struct {
	Address string        // a name or an IP address, or a Host of the user's configuration
	User    string        // "" = that of the configuration
	Grace   time.Duration // a connection without a sign of life ends after it; 0 = agent.DefaultGrace
	Config  string        // file for -F; "" = the user's own
}

func (t Transport) String() string { return "ssh " + t.to() }

// to is the address as a person types it.
func (t Transport) to() string {
	if t.User != "" {
		return t.User + "@" + t.Address
	}
	return t.Address
}

// Argv is the command line of ssh. It overrides what a user's configuration may have for terminals: a shared
// connection, forwarded ports, a command of its own.
func (t Transport) Argv(command string) []string {
	grace := t.Grace
	if grace == 0 {
		grace = agent.DefaultGrace
	}
	argv := []string{"ssh", "-T"}
	if t.Config != "" {
		argv = append(argv, "-F", t.Config)
	}
	for _, option := range []string{
		"BatchMode=yes", "ConnectTimeout=10", fmt.Sprintf("ServerAliveInterval=%d", alive/time.Second),
		fmt.Sprintf("ServerAliveCountMax=%d", max(1, grace/alive)), "ControlMaster=no", "ControlPath=none",
		"ClearAllForwardings=yes", "RemoteCommand=none", "LogLevel=INFO",
	} {
		argv = append(argv, "-o", option)
	}
	if t.User != "" {
		argv = append(argv, "-l", t.User)
	}
	return append(argv, "--", t.Address, shell(command))
}

// shell is a command line for any login shell, which starts a POSIX shell.
func shell(command string) string {
	return `exec sh -c '` + strings.ReplaceAll(command, `'`, `'\''`) + `'`
}

// Explain is what ssh's messages mean; nil = unknown.
func (t Transport) Explain(output string, _ int) error {
	return agent.Explain(Messages(), t.to(), output)
}

// Abort does nothing: sshd ends the session with the connection, and closes the agent's input.
func (t Transport) Abort(context.Context) error { return nil }
