package gpu

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"sync"
)

// Facts are what a run records of the GPUs and never judges. Missing has those that the driver
// did not report, with the cause.
type Facts struct {
	Clocks  map[int]string // by index: "SM 1980 MHz, memory 2619 MHz at most"
	Matrix  string         // of nvidia-smi topo -m
	CUDA    string         // newest version that the driver supports
	Missing []string
}

// Facts queries clocks, links and CUDA at the same time.
func (m SMI) Facts(ctx context.Context) (f Facts) {
	var queries sync.WaitGroup
	var faults [3]error
	queries.Go(func() { f.Clocks, faults[0] = m.clocks(ctx) })
	queries.Go(func() { f.Matrix, faults[1] = m.Links(ctx) })
	queries.Go(func() {
		var page string
		page, faults[2] = m.page(ctx, "COMPUTE")
		f.CUDA = cudaVersion(page)
	})
	queries.Wait()
	for i, err := range faults {
		if err != nil {
			f.Missing = append(f.Missing, fmt.Sprintf("%s: %v", []string{"GPU clocks", "GPU links", "CUDA"}[i], err))
		}
	}
	return f
}

// page is the answer to -q.
func (m SMI) page(ctx context.Context, kind string) (string, error) {
	text, code, err := m.run(ctx, "-q", "-d", kind)
	if err == nil && code != 0 {
		err = fmt.Errorf("exit %d, output %.300q", code, strings.TrimSpace(text))
	}
	return text, err
}

// clocks are the highest clocks. An application clock is named if the driver has one: it is lower than the highest.
func (m SMI) clocks(ctx context.Context) (all map[int]string, err error) {
	for _, fields := range []string{
		"index,clocks.max.sm,clocks.max.memory,clocks.applications.graphics,clocks.applications.memory",
		"index,clocks.max.sm,clocks.max.memory",
	} {
		err = m.query(ctx, "gpu="+fields, func(text string) (explained bool, err error) {
			all = parseClocks(text, strings.Count(fields, ",")+1)
			return len(all) > 0, nil
		})
		if !errors.Is(err, errField) {
			break
		}
	}
	return all, err
}

// parseClocks reads lines with that many fields, and skips others.
func parseClocks(text string, fields int) map[int]string {
	all := map[int]string{}
	for _, line := range lines(text) {
		f := strings.Split(line, separator)
		index, err := strconv.Atoi(f[0])
		if len(f) != fields || err != nil {
			continue
		}
		clocks := ""
		add := func(at int, format string) {
			if at < len(f) && known(f[at]) != "" {
				clocks += fmt.Sprintf(format, f[at])
			}
		}
		add(1, "SM %s MHz at most")
		add(2, ", memory %s MHz at most")
		add(3, ", application SM %s MHz")
		add(4, ", application memory %s MHz")
		all[index] = strings.TrimPrefix(clocks, ", ")
	}
	return all
}

// cudaVersion is that of the page that begins "Driver Version : 580.95.05", "CUDA Version : 13.0".
func cudaVersion(page string) string {
	if found := regexp.MustCompile(`(?m)^CUDA Version\s*:\s*(\S+)`).FindStringSubmatch(page); found != nil {
		return known(found[1])
	}
	return ""
}

// Users names the processes on any device that are not of this run.
func Users(s State) (all []string) {
	for _, d := range s.Devices {
		for _, p := range s.On(d) {
			if p.Owner.Party != Ours {
				all = append(all, fmt.Sprintf("%s: %s", d, p.describe()))
			}
		}
	}
	return all
}
