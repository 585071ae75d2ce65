package ssh_test

import (
	"strings"
	"testing"

	"topobench/internal/host/agent"
	"topobench/internal/host/ssh"
)

// Outputs of OpenSSH 9.2, recorded, of failures that take too long for a test or need another machine; the last four
// are from its sources and from pam_slurm_adopt.
func TestMessages(t *testing.T) {
	for _, row := range []struct{ printed, means, next string }{
		{"ssh: connect to host 10.9.9.9 port 22: Connection timed out", "u@a does not answer", "firewall"},
		{"Connection timed out during banner exchange\r\nConnection to 10.9.9.9 port 22 timed out", "does not answer", "is up"},
		{"Connection to 127.0.0.1 closed by remote host.", "was closed", "log of sshd"},
		{"kex_exchange_identification: Connection closed by remote host\r\nConnection closed by 10.9.9.9 port 22",
			"before the login", "MaxStartups"},
		{"Timeout, server 10.9.9.9 not responding.", "no longer answers", "network"},
		{"Received disconnect from 10.9.9.9 port 22:2: Too many authentication failures", "too many keys", "IdentitiesOnly"},
		{"Unable to negotiate with 10.9.9.9 port 22: no matching host key type found. Their offer: ssh-rsa",
			"no algorithm in common", "~/.ssh/config"},
		{"Access denied by pam_slurm_adopt: you have no active jobs on this node\n" +
			"Connection closed by 10.9.9.9 port 22", "you have no job there", "salloc"},
	} {
		err := ssh.Transport{Address: "a", User: "u"}.Explain(row.printed, 255)
		if err == nil || !strings.Contains(err.Error(), row.means) || !strings.Contains(err.Error(), row.next) {
			t.Errorf("%s:\n%v", row.printed, err)
		}
	}
	for _, printed := range []string{"", "Warning: Permanently added '10.9.9.9' (ED25519) to the list of known hosts.",
		"Welcome to the cluster. Connection to compute nodes is by Slurm only."} {
		if err := (ssh.Transport{}).Explain(printed, 255); err != nil {
			t.Errorf("%s: %v", printed, err)
		}
	}
}

// What the shell on a host prints is explained whatever reached it.
func TestShellMessages(t *testing.T) {
	for _, row := range []struct{ printed, means, next string }{
		{"gzip: stdout: No space left on device", "disk of the host is full", "df -h"},
		{"tee: /home/u/x: Disk quota exceeded", "disk of the host is full", "df -h"},
		{"mkdir: cannot create directory ‘/home/u/.cache’: Read-only file system", "read-only", "TMPDIR"},
		{"mkdir: cannot create directory ‘/home/u/.cache’: Permission denied", "may not write", "TMPDIR"},
		{"sh: 1: gzip: not found", "program is missing", "gzip and coreutils"},
		{"sh: line 1: sha256sum: command not found", "program is missing", "gzip and coreutils"},
		{"sh: 1: /home/u/agent: Exec format error", "damaged", "~/.cache/topobench"},
		{"This account is currently not available.", "no shell", "--hosts"},
	} {
		err := agent.Explain(agent.Messages(), "", row.printed)
		if err == nil || !strings.Contains(err.Error(), row.means) || !strings.Contains(err.Error(), row.next) {
			t.Errorf("%s:\n%v", row.printed, err)
		}
	}
}
