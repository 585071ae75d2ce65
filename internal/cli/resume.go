package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"reflect"
	"slices"
	"strings"
	"syscall"

	"topobench/internal/artifacts"
	"topobench/internal/host"
	"topobench/internal/plan"
	"topobench/internal/preflight"
	"topobench/internal/profile"
	"topobench/internal/run"
	"topobench/internal/script"
	"topobench/internal/verdict"
)

// resumeFlags continue a campaign.
type resumeFlags struct {
	Resume     bool   `help:"Continue the newest unfinished run below --artifacts-root-dir; give no PROFILE."`
	Earlier    string `name:"run" placeholder:"ID" help:"With --resume: continue the campaign of this run."`
	Again      bool   `help:"With --resume: measure finished cells again that are not valid."`
	AllowDrift bool   `help:"With --resume: go on although the setup has changed; the answer has a note."`
}

// besideResume are the flags that a continuation may have. All others are those of the first run.
var besideResume = []string{"resume", "run", "again", "allow-drift", "artifacts-root-dir", "verbose", "keep",
	"wait-gpus"} // constant

// check has the faults of the flags of a run, whose arguments are given.
func (f resumeFlags) check(profiles, args []string) error {
	var faults []error
	for _, flag := range []struct {
		name  string
		given bool
	}{{"--run", f.Earlier != ""}, {"--again", f.Again}, {"--allow-drift", f.AllowDrift}} {
		if flag.given && !f.Resume {
			faults = append(faults, fmt.Errorf("%s needs --resume", flag.name))
		}
	}
	switch {
	case !f.Resume && len(profiles) == 0:
		faults = append(faults, errors.New("name at least one PROFILE (topobench profiles lists the built-in ones), "+
			"or continue a run with --resume"))
	case f.Resume && len(profiles) > 0:
		faults = append(faults, fmt.Errorf("--resume continues a campaign with its own profiles: omit %s",
			strings.Join(profiles, " ")))
	}
	for _, arg := range args {
		name, _, _ := strings.Cut(arg, "=")
		flag, is := strings.CutPrefix(name, "--")
		if f.Resume && is && !slices.Contains(besideResume, flag) {
			faults = append(faults, fmt.Errorf("--resume continues a campaign with its own flags: omit %s", name))
		}
	}
	return errors.Join(faults...)
}

// begun is the command that began the campaign which this command continues, and that campaign. First it ends what
// the dead runs of the campaign left.
func (c *runCmd) begun(ctx context.Context, env *Env, s *signals) (*runCmd, *run.Past, error) {
	note := func(line string) { fmt.Fprintf(env.Stderr, "topobench: %s\n", line) }
	if err := recoverRuns(ctx, env, note); err != nil {
		return nil, nil, err
	}
	past, err := run.FindPast(c.Root, c.Earlier, c.Again)
	if is[*run.LiveError](err) { // or the machine was restarted
		if err := recoverRuns(ctx, env, note, c.Root); err != nil {
			return nil, nil, err
		}
		past, err = run.FindPast(c.Root, c.Earlier, c.Again)
	}
	if err != nil {
		return nil, nil, err
	}
	if err := os.Chdir(past.Directory); err != nil { // the paths of the command start there
		return nil, nil, fmt.Errorf("cannot resume: %w", err)
	}
	var first commands
	parser, err := first.parser(past.Args, env, s)
	if err == nil {
		_, err = parser.Parse(past.Args)
	}
	if err != nil {
		return nil, nil, fmt.Errorf("cannot resume: this topobench does not take the command of the campaign: %w", err)
	}
	again := first.Run
	again.Root, again.Verbose, again.Keep, again.Wait = c.Root, c.Verbose, c.Keep, c.Wait
	again.resumeFlags = c.resumeFlags
	return &again, past, nil
}

// claimResume keeps other continuations from the campaigns of a root until release: two would measure the same cells.
func claimResume(root string) (release func(), err error) {
	info, err := os.Stat(root)
	if err != nil {
		return func() {}, nil // FindPast reports it
	}
	at := info.Sys().(*syscall.Stat_t)
	release, err = host.Claim([]host.Resource{{Key: fmt.Sprintf("resume-%d-%d", at.Dev, at.Ino), Name: root}})
	if err != nil {
		return nil, fmt.Errorf("cannot resume: %w; wait until that command has ended", err)
	}
	return release, nil
}

// campaign is what a run records of itself, so that it can be continued.
func (e *Env) campaign(past *run.Past, profiles []profile.Profile, found []preflight.Topology) (
	*artifacts.Campaign, error) {
	directory, err := os.Getwd()
	if err != nil {
		return nil, fmt.Errorf("cannot record the campaign: %w", err)
	}
	c := artifacts.Campaign{Args: e.Args, Directory: directory}
	if past != nil {
		c = past.Next()
	}
	c.Release, c.Profiles = currentRelease(), nil
	for i, p := range profiles {
		public := plan.Public(p.Text, found[i].Plan)
		c.Profiles = append(c.Profiles, artifacts.SourceOf(p.Source, p.Text, public, programPaths(found[i].Programs)))
	}
	return &c, nil
}

// programPaths are those of a topology by name.
func programPaths(p plan.Programs) artifacts.Values {
	all := artifacts.Values{}
	for field, value := range reflect.ValueOf(p).Fields() {
		if path := value.String(); value.Kind() == reflect.String && path != "" {
			all[strings.ToLower(field.Name)] = path
		}
	}
	return all
}

// resumeCommand continues a campaign of a root.
func resumeCommand(root string, flags ...string) string {
	words := append([]string{"topobench", "run", "--resume"}, flags...)
	return script.Command(append(words, "--artifacts-root-dir", root)...)
}

// unfinishedError is the end of a run that a command continues.
type unfinishedError struct {
	error
	next string
}

func (e *unfinishedError) Error() string { return e.error.Error() + "\n  next: " + e.next }

func (e *unfinishedError) Unwrap() error { return e.error }

// withNext adds the command that continues a run to the reason for its early end.
func (s *session) withNext(err error, topologies []run.Topology) error {
	measured := slices.ContainsFunc(topologies, func(t run.Topology) bool { return len(t.Cells) > 0 })
	gone := s.Dir.Check() != nil
	if err == nil || gone || !s.Unfinished() || !measured && !is[*run.Interrupt](err) || is[*run.DriftError](err) {
		return err
	}
	return &unfinishedError{err, resumeCommand(s.Dir.Root())}
}

// goOn is the command after a continuation that left cells unmeasured or not valid.
func goOn(root string, topologies []run.Topology) string {
	for _, t := range topologies {
		if slices.ContainsFunc(t.Cells, func(c run.Cell) bool { return c.Verdict.State != verdict.Valid }) {
			return resumeCommand(root, "--again")
		}
	}
	return resumeCommand(root)
}
