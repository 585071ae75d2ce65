package plan

import (
	"cmp"
	"errors"
	"slices"
	"strings"
	"time"

	"topobench/internal/profile"
	"topobench/internal/text"
)

// Programs are the executables that a plan runs, each a path or a name on PATH.
type Programs struct{ Python, VLLM, AIPerf, Nginx, Etcd, NATS string }

// Installation is the software that a plan is made for.
type Installation struct {
	Programs Programs
	Versions Versions // of the programs; those that a profile names win
	Kernels  string   // directory where engines keep compiled kernels for the next launch; "" = their own
	Arch     string   // of this machine, as in GOARCH; "" is amd64
	Root     bool     // root starts nginx, whose workers would change to a user that cannot enter a private directory
	Configs  profile.EngineConfigs
	Cache    string   // the directory of the tool cache; "" = unknown
	Inherit  []string // names of the caller's variables that services receive
	Dropped  []string // names of those that no child receives
	// Hosts are the installations of the other hosts, by name; an absent one is like this one.
	Hosts map[string]Installation
}

// Placement is the directories and names of one launch.
type Placement struct {
	Dir       string // private directory of the launch: logs, data, rendered files
	Data      string // for data of etcd and NATS and nginx's spool, on a local disk; "" is Dir
	Temp      string // TMPDIR of the children; short, since unix socket paths end at 107 bytes
	Namespace string // DYN_NAMESPACE, fresh for each launch, without dots
	Cookie    string // marks every process of the run
	Artifacts string // artifacts_N; "" = not known yet
}

// Unplaced is the placement of the plans that Make returns: marks that no argument, no
// variable and no path can hold, since they have zero bytes.
func Unplaced() Placement {
	return Placement{Dir: "\x00dir\x00", Data: "\x00data\x00", Temp: "\x00temp\x00", Namespace: "\x00namespace\x00",
		Cookie: "\x00cookie\x00", Artifacts: "\x00artifacts\x00"}
}

// At is the plan in the places of one launch: to is this machine's, hosts has those of other hosts by name. What a
// host's placement lacks is that of this machine; the namespace and the artifacts are the same everywhere. The error
// is a directory that nginx.conf cannot name.
func (p Plan) At(to Placement, hosts map[string]Placement) (Plan, error) {
	on := func(host string) places { return placesOf(to.on(hosts[host])) }
	here := on("")
	p.Dirs, p.Load.Env = here.dirs(p.Dirs), here.all(p.Load.Env)
	p.Load.Artifacts = here.Replace(p.Load.Artifacts)
	p.Hosts, p.Files, p.Services = slices.Clone(p.Hosts), slices.Clone(p.Files), slices.Clone(p.Services)
	for i := range p.Hosts {
		p.Hosts[i].Dirs = on(p.Hosts[i].Name).dirs(p.Hosts[i].Dirs)
	}
	for i, f := range p.Files {
		at := on(f.Host)
		p.Files[i] = File{Host: f.Host, Path: at.Replace(f.Path), Text: at.Replace(f.Text)}
	}
	var faults []error
	for i := range p.Services {
		s := &p.Services[i]
		at := on(s.Host)
		s.Argv, s.Env, s.Check = at.all(s.Argv), at.all(s.Env), at.all(s.Check)
		s.Dir, s.Log, s.Gate.Namespace = at.Replace(s.Dir), at.Replace(s.Log), at.Replace(s.Gate.Namespace)
		if dir := to.on(hosts[s.Host]); s.Role == Balancer {
			faults = append(faults, checkNginxDir(dir.Dir), checkNginxDir(dir.Data))
		}
	}
	return p, errors.Join(faults...)
}

// on is the placement on a host. What the host's own lacks is that of this machine.
func (p Placement) on(host Placement) Placement {
	if host.Dir != "" {
		p.Dir, p.Data = host.Dir, host.Data
	}
	p.Temp, p.Cookie = cmp.Or(host.Temp, p.Temp), cmp.Or(host.Cookie, p.Cookie)
	return p
}

// places puts the paths and names of a placement in place of their marks.
type places struct{ *strings.Replacer }

func placesOf(to Placement) places {
	from := Unplaced()
	return places{strings.NewReplacer(from.Dir, to.Dir, from.Data, cmp.Or(to.Data, to.Dir), from.Temp, to.Temp,
		from.Namespace, to.Namespace, from.Cookie, to.Cookie, from.Artifacts, to.Artifacts)}
}

func (r places) all(texts []string) []string {
	texts = slices.Clone(texts)
	for i := range texts {
		texts[i] = r.Replace(texts[i])
	}
	return texts
}

func (r places) dirs(dirs []string) []string { return text.Distinct(r.all(dirs)) }

// Namespace is a DYN_NAMESPACE of one launch. Dynamo splits it at dots.
func Namespace(run, launch string) string {
	return strings.NewReplacer(".", "-", "_", "-").Replace("topobench-" + run + "-" + launch)
}

// Hardware is the GPUs of this machine that a plan uses: none for mockers, whose devices
// are nominal, and none for vLLM on the CPU.
type Hardware struct {
	Devices []int         `json:"devices"`   // each once, ascending
	Within  time.Duration `json:"within_ns"` // how long the release of their memory may take
}

// RealGPUs reports whether cuda_visible_devices of an engine means GPUs. The version of
// vLLM for the CPU ends in "+cpu", as in "0.31.0+cpu".
func RealGPUs(engine string, vllm Version) bool {
	return engine != "mocker" && !strings.HasSuffix(string(vllm), "+cpu")
}
