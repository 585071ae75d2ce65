package recovery

import (
	"os/user"
	"strings"
	"testing"
)

// Only the owner of a run can clean it, and the advice has the command.
func TestTheAdviceForRunsOfAnotherUser(t *testing.T) {
	me, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	got := foreignRemedy([]string{dir, dir, dir + "/gone"}, "/srv/results")
	want := "sudo -u " + me.Username + " topobench clean --artifacts-root-dir /srv/results"
	if strings.Count(got, want) != 1 || !strings.Contains(got, "belong to another user, "+me.Username) &&
		!strings.Contains(got, "belong to "+me.Username+", another user") || strings.Contains(got, "--force") {
		t.Errorf("%q lacks %q", got, want)
	}
}
