package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"strconv"
	"strings"

	"topobench/internal/artifacts"
	"topobench/internal/deploy"
	"topobench/internal/host"
	"topobench/internal/profile"
	"topobench/internal/recovery"
	"topobench/internal/run"
)

// limitFlags bound what a run takes of the machine's disk.
type limitFlags struct {
	LogCap  size `default:"256MiB" help:"Size of each log on the disk, ${default} by default: of a longer one its head and its end stay (0 = any)." placeholder:"SIZE" group:"Disk"`
	MinFree size `default:"1GiB" help:"Disk space for logs, ${default} by default, beside that for results: with less nothing is started (0 = do not look)." placeholder:"SIZE" group:"Disk"`
}

// tempNeed is what the run's directory in /tmp may take: sockets, and what programs
// unpack there.
const tempNeed = 64 << 20

// reserveShare of --min-free stays free for what was measured.
const reserveShare = 16

// room refuses a machine without the space or the open files that a run wants, and
// says what is wrong with the place of its results. All at once.
func (f limitFlags) room(root string, profiles []profile.Profile, env *Env) error {
	faults := []error{allowFiles(profiles, env)}
	if f.LogCap > 0 && f.LogCap < host.LeastLog {
		faults = append(faults, fmt.Errorf("--log-cap %s is less than 1MiB: name more, or 0 for logs of any size", f.LogCap))
	}
	if info, err := os.Stat(root); err == nil && !info.IsDir() {
		faults = append(faults, fmt.Errorf("cannot write below %s: it is no directory; name another by --artifacts-root-dir", root))
	}
	need := run.Needs(profiles, uint64(f.MinFree))
	space, err := host.Disk(root)
	switch {
	case errors.Is(err, errors.ErrUnsupported):
	case err != nil:
		faults = append(faults, err)
	case f.MinFree > 0:
		faults = append(faults, short(root, need, space, "--artifacts-root-dir"))
	}
	fmt.Fprint(env.Stderr, farAway(root, space.Remote))
	temp := cmp.Or(env.Getenv(tempVariable), recovery.DefaultTemp)
	if space, err := host.Disk(temp); err == nil && f.MinFree > 0 {
		faults = append(faults, short(temp, run.Need{Logs: tempNeed, Files: 100}, space, tempVariable))
	}
	if err := errors.Join(faults...); err != nil {
		return &usageError{err}
	}
	return nil
}

// farAway warns of results on a file system of another machine. The locks of a run
// are in its directory in /tmp, for which this does not matter.
func farAway(root, kind string) string {
	if kind == "" {
		return ""
	}
	return fmt.Sprintf("topobench: warning: %s is on %s: logs and results go over the network while the load runs, and wait when it does; better is a local --artifacts-root-dir, copied when all is done\n", root, kind)
}

func short(path string, need run.Need, has host.Space, instead string) error {
	err := need.Shortage(path, has)
	if err == nil {
		return nil
	}
	return fmt.Errorf("cannot start with so little space: %w; free some, name another place (%s), or ask for less with --min-free", err, instead)
}

// guard makes what the session writes obey the limits. ctx ends when nothing more
// can be kept; close ends the guard.
func (s *session) guard(ctx context.Context, f limitFlags) context.Context {
	s.campaign.Starter.Logs = host.NewLogs(int64(f.LogCap))
	guarded, stop := s.campaign.Guard(ctx, uint64(f.MinFree)/reserveShare)
	s.unguard = stop
	return guarded
}

// childFiles is the limit on open files that children get where the system allows it;
// vLLM asks for 65535 by itself. leastFiles and the sockets of a request (the load's,
// the frontend's or the balancer's two, the worker's) are what a run cannot do without.
const (
	childFiles    = 65536
	leastFiles    = 512
	filesARequest = 4
)

// allowFiles lets children open as many files as the system allows, and says so when
// that is less than the highest concurrency takes.
func allowFiles(profiles []profile.Profile, env *Env) error {
	highest := 0
	for _, p := range profiles {
		for _, c := range p.Load.Concurrency {
			highest = max(highest, c)
		}
	}
	got, err := host.OpenFiles(childFiles)
	if need := uint64(leastFiles + filesARequest*highest); err == nil && got < need {
		fmt.Fprintf(env.Stderr, "topobench: warning: a process may open %d files here, and concurrency %d can take %d: raise the hard limit (ulimit -Hn) if requests fail\n", got, highest, need)
	}
	return err
}

// unkept adds to an error of the disk, which ended a run early, what has become of
// the rest. Where the run's directory is gone, whatever else failed is due to that.
func (s *session) unkept(why error) error {
	if why == nil {
		return nil
	}
	_, storage := errors.AsType[*run.StorageError](why)
	if gone := s.campaign.Run.Check(); gone != nil && !storage {
		why, storage = errors.Join(gone, why), true
	}
	_, dirty := errors.AsType[*deploy.DirtyError](why)
	if dirty || !storage && !artifacts.DiskFault(why) && !errors.Is(why, fs.ErrPermission) {
		return why
	}
	return fmt.Errorf("%w%s\n  the run was ended: what was started is taken down, and cells that were finished are kept", why, diskAdvice(why))
}

// diskAdvice is what to do about a fault of the disk, unless err says it already.
func diskAdvice(err error) string {
	advice := artifacts.Advice(err)
	if !artifacts.DiskFault(err) || strings.Contains(err.Error(), advice) {
		return ""
	}
	return advice
}

// size is a number of bytes such as 256MiB; 0 has no unit.
type size uint64

func (s *size) UnmarshalText(text []byte) error {
	digits := strings.TrimRight(string(text), "KMGTiB")
	shift, known := map[string]int{"": 0, "B": 0, "KiB": 10, "MiB": 20, "GiB": 30, "TiB": 40}[string(text[len(digits):])]
	n, err := strconv.ParseUint(digits, 10, 64)
	if err != nil || !known || n > math.MaxInt64>>shift || shift == 0 && n > 0 && string(text) == digits {
		return fmt.Errorf("%q is not a size such as 256MiB or 2GiB", text)
	}
	*s = size(n << shift)
	return nil
}

func (s size) String() string { return run.Size(s).String() }
