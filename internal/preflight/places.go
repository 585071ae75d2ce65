package preflight

import (
	"fmt"
	"os"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"topobench/internal/artifacts"
	"topobench/internal/host"
	"topobench/internal/profile"
	"topobench/internal/programs"
)

// TempFault is why a directory cannot hold the TMPDIR of a run, "" if it can; longest is in bytes.
func TempFault(dir string, longest int) string {
	info, err := os.Stat(dir)
	space, _ := host.Disk(dir) // without an answer it is taken for a local one
	switch {
	case !filepath.IsAbs(dir):
		return "is not an absolute path"
	case err != nil || !info.IsDir():
		return "is no directory"
	case !host.MayWrite(dir):
		return "is not writable"
	case len(dir) > longest:
		return fmt.Sprintf("is %d bytes long, and sockets leave it %d", len(dir), longest)
	case space.Remote != "":
		return "is on " + space.Remote + ", which other machines share"
	case host.NoExec(dir):
		return "is mounted noexec, and kernels are compiled there"
	}
	return ""
}

// temp reports the place of the runs' private directories.
func (r Request) temp() []Check {
	if len(r.TempPassed) == 0 {
		return []Check{ok(Directories, "temporary files of a run are in "+r.Temp)}
	}
	return []Check{warn(Directories, fmt.Sprintf("temporary files of a run are in %s: %s", r.Temp,
		strings.Join(r.TempPassed, "; ")), "set "+r.TempName+" to a short local directory")}
}

// root tries out the place of the results.
func (r Request) root() []Check {
	if info, err := os.Stat(r.Root); r.Root == "" || err == nil && !info.IsDir() {
		return nil // nothing is written, or the check of the disk reports it
	}
	return rootChecks(r.Root, artifacts.Try(r.Root))
}

// rootChecks judge what a root can do. Without modes or fsync a run goes on: only secrecy and durability are weaker.
// Without a rename nothing is published in one step.
func rootChecks(root string, can artifacts.Abilities) []Check {
	another := "choose another --artifacts-root-dir"
	switch {
	case can.Write != nil:
		return []Check{fail(Directories, can.Write.Error(), "")}
	case can.Rename != nil:
		return []Check{fail(Directories, fmt.Sprintf("cannot publish results in one step in %s: %v", root,
			can.Rename), another)}
	}
	checks := []Check{ok(Directories, root+" can be written"+lacks(can.Lock, ", without flock"))}
	if can.Chmod != nil {
		checks = append(checks, warn(Directories, fmt.Sprintf("%s does not keep the modes of files (%v): "+
			"others may read the logs", root, can.Chmod), another+" if they hold secrets"))
	}
	if can.Sync != nil {
		checks = append(checks, warn(Directories, fmt.Sprintf("%s cannot bring directories to the disk (%v): "+
			"the last results may be lost if this machine crashes", root, can.Sync), ""))
	}
	return checks
}

func lacks(err error, text string) string {
	if err == nil {
		return ""
	}
	return text
}

// surroundings are the home directory, the user's name and shared memory, which engines on GPUs need.
func (r Request) surroundings() []Check {
	engines := func(p profile.Profile) bool { return usesGPUs(here(p), "") }
	if len(r.Profiles) > 0 && !slices.ContainsFunc(r.Profiles, engines) {
		return nil
	}
	var checks []Check
	if home := r.Getenv("HOME"); home == "" || !host.MayWrite(home) {
		checks = append(checks, warn(Directories, fmt.Sprintf("HOME is %q, where nothing can be written: engines keep "+
			"models, compiled kernels and settings there", home), "set HOME, or HF_HOME, XDG_CACHE_HOME, "+
			"XDG_CONFIG_HOME and VLLM_CACHE_ROOT, to a directory of your own"))
	}
	named := slices.ContainsFunc([]string{"LOGNAME", "USER", "LNAME", "USERNAME"}, // as in Python's getpass
		func(name string) bool { return r.Getenv(name) != "" })
	if _, err := user.LookupId(strconv.Itoa(os.Getuid())); err != nil && !named {
		checks = append(checks, warn(Directories, fmt.Sprintf("user %d has no name here, and PyTorch fails without "+
			"one", os.Getuid()), "export USER=somebody"))
	}
	space, err := host.Disk("/dev/shm")
	if err != nil {
		return append(checks, warn(SharedMemory, err.Error(), "vLLM with several GPUs needs /dev/shm"))
	}
	return append(checks, sharedMemory(space))
}

// kernels is the directory for the kernels that engines compile, kept for all launches; "" where it cannot be made.
func kernels(getenv func(string) string) string {
	cache := programs.CacheDir(getenv)
	if cache == "" || !host.MayWrite(artifacts.Existing(cache)) {
		return ""
	}
	return filepath.Join(cache, "kernels")
}
