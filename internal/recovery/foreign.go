package recovery

import (
	"fmt"
	"os"
	"os/user"
	"slices"
	"strconv"
	"strings"
	"syscall"
)

// foreignRemedy names the users who own runs, and the command with which each can clean them: --force does not reach
// the runs of another user, nor does root.
func foreignRemedy(runs []string, root string) string {
	var commands, names []string
	for _, path := range runs {
		name, as := owner(path)
		names = append(names, name)
		commands = append(commands, fmt.Sprintf("sudo -u %s topobench clean --artifacts-root-dir %s", as, root))
	}
	slices.Sort(names)
	slices.Sort(commands)
	return fmt.Sprintf("they belong to %s; run %s", strings.Join(slices.Compact(names), ", "),
		strings.Join(slices.Compact(commands), "; "))
}

// owner is the user of a file, and the word for sudo -u.
func owner(path string) (name, as string) {
	info, err := os.Lstat(path)
	if err != nil {
		return "another user", "USER"
	}
	stat, is := info.Sys().(*syscall.Stat_t)
	if !is {
		return "another user", "USER"
	}
	id := strconv.Itoa(int(stat.Uid))
	if u, err := user.LookupId(id); err == nil {
		return u.Username, u.Username
	}
	return "user " + id, "'#" + id + "'"
}

// filtered are the paths for which keep is true.
func filtered(paths []string, keep func(string) bool) []string {
	return slices.DeleteFunc(slices.Clone(paths), func(path string) bool { return !keep(path) })
}
