package cli

import (
	"fmt"
	"slices"
	"strings"

	"topobench/internal/preflight"
	"topobench/internal/run"
	"topobench/internal/text"
)

// mostRounds bounds --repeats: its numbers have two digits.
const mostRounds = 99

// roundFlags set the number of launches of each topology.
type roundFlags struct {
	Repeats int `default:"1" placeholder:"N" help:"Rounds; each launches every topology afresh (4 give an interval)."`
}

func (f roundFlags) check() error {
	if f.Repeats < 1 || f.Repeats > mostRounds {
		return fmt.Errorf("--repeats %d is not from 1 to %d", f.Repeats, mostRounds)
	}
	return nil
}

// launches is the number of launches of each of the profiles.
func (f roundFlags) launches(names []string) int {
	if isAA(names) {
		return 2 * f.Repeats
	}
	return f.Repeats
}

// note warns of a number of rounds in which a drift of the machine does not cancel.
func (f roundFlags) note(topologies int) []string {
	if topologies < 2 || f.Repeats == 1 || f.Repeats%2 == 0 {
		return nil
	}
	return []string{fmt.Sprintf("note: the order of the topologies is not balanced in an odd number of rounds (%d): "+
		"a steady drift of the machine favours one of them; an even number, such as 4, cancels it", f.Repeats)}
}

// isAA reports that the profiles are one, given twice.
func isAA(names []string) bool { return len(names) == 2 && names[0] == names[1] }

// arms are the topologies of a command: the two arms of an A/A measurement have one profile.
func arms(names []string, topologies []preflight.Topology) []preflight.Topology {
	if isAA(names) {
		return run.Arms(topologies[0])
	}
	return topologies
}

// checkTwice refuses a profile that is given several times, unless that is an A/A measurement.
func checkTwice(names []string) error {
	var again []string
	for i, name := range names {
		if slices.Contains(names[:i], name) {
			again = append(again, name)
		}
	}
	if len(again) == 0 || isAA(names) {
		return nil
	}
	return fmt.Errorf("cannot measure %s more than once beside others: an A/A measurement has one profile, given twice",
		strings.Join(text.Distinct(again), " and "))
}

// unreached names the launches that a run did not come to.
func unreached(all []preflight.Topology, launched []run.Topology) (lines []string) {
	rounds := 1
	for _, t := range launched {
		rounds = max(rounds, t.Rounds)
	}
	for _, w := range all {
		var missing levels
		for round := 1; round <= rounds; round++ {
			if !slices.ContainsFunc(launched, func(t run.Topology) bool {
				return t.Name == w.Profile.Name && t.Repeat == round
			}) {
				missing = append(missing, round)
			}
		}
		switch len(missing) {
		case 0:
		case rounds:
			lines = append(lines, w.Profile.Name+": not started")
		default:
			lines = append(lines, fmt.Sprintf("%s: not launched: round %s", w.Profile.Name, missing))
		}
	}
	return lines
}

// rounds explains --repeats and --resume.
func (p *page) rounds() {
	p.heading("Rounds (run --repeats N)")
	p.text(fmt.Sprintf("A run has 1 to %d rounds; 4 are a good number. Each round launches every topology "+
		"afresh, with a full teardown and its proof, an artifacts_N of its own and the same prompts. Odd rounds "+
		"have the given order, even rounds the reverse: an even number of rounds cancels a steady drift of the "+
		"machine.", mostRounds))
	p.point("A launch that fails stops no later round. A topology that does not start in round 1 is not " +
		"launched again.")
	p.point("After a failure the exit code is 3 if every topology has a cell in some round, else 4.")
	p.point("DIRTY, an interrupt and --fail-fast end all rounds.")
	p.point("The same profile twice (run P P --repeats 4) is an A/A measurement: two arms, A and B, which differ in " +
		"nothing but their place in a round. deployment_config.json has the arm.")
	p.resume()
}
