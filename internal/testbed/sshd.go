package testbed

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// SSHD is the command line of OpenSSH's server without options: of this machine, else of the tool cache. Without either
// the test is skipped; in CI it fails.
func SSHD(t testing.TB, cache string) []string {
	t.Helper()
	for _, path := range []string{"sshd", "/usr/sbin/sshd", filepath.Join(cache, "debs/root/usr/sbin/sshd")} {
		if found, err := exec.LookPath(path); err == nil { // it is not on the PATH of ordinary users
			return []string{found}
		}
	}
	if os.Getenv("CI") == "true" {
		t.Fatal("there is no sshd: run make tools")
	}
	t.Skip("there is no sshd: run make tools")
	return nil
}

// sshdAccount is the user that an sshd of root requires. The package that makes it may not be installed.
const sshdAccount = "sshd:x:100:65534::/run/sshd:/bin/false\n"

// Accounts is the start of a command line of root: only the rest of it has these accounts, and the one of sshd.
// The test is skipped on a system without mounts of its own.
func Accounts(t testing.TB, accounts string) []string {
	t.Helper()
	if err := exec.Command("unshare", "-m", "true").Run(); err != nil {
		t.Skip("no mounts of its own: ", err)
	}
	if !strings.Contains(accounts, "\nsshd:") {
		accounts += sshdAccount
	}
	path := filepath.Join(t.TempDir(), "passwd")
	if err := os.WriteFile(path, []byte(accounts), 0o644); err != nil {
		t.Fatal(err)
	}
	// sshd of root changes to that directory.
	return []string{"unshare", "-m", "/bin/sh", "-c", `mkdir -p /run/sshd && mount --bind "$0" /etc/passwd && exec "$@"`, path}
}
