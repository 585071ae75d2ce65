package monitor

import (
	"cmp"
	"context"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"topobench/internal/artifacts"
	"topobench/internal/host"
	"topobench/internal/host/gpu"
)

// sampler collects what the engines and the GPUs showed in one cell. The engines are probed every second; the lines of
// the GPUs are read once, at the end.
type sampler struct {
	m     *Monitor
	began time.Time

	mu      sync.Mutex
	engines []artifacts.Sample
}

func (m *Monitor) newSampler(ctx context.Context) *sampler {
	s := &sampler{m: m, began: time.Now()}
	for name := range m.t.GPULogs {
		m.gpuLog(ctx, name) // of the time before the cell
	}
	return s
}

// gpuLog is what was added to the samples of a host since the last call.
func (m *Monitor) gpuLog(ctx context.Context, name string) []byte {
	added := m.log(ctx, m.on(name), m.t.GPULogs[name].Path, m.gpuLogRead[name])
	m.gpuLogRead[name] += int64(len(added))
	return added
}

// log reads a file from an offset to its end. A file that cannot be read is empty.
func (m *Monitor) log(ctx context.Context, on Host, path string, from int64) (text []byte) {
	for {
		more, err := on.Get(ctx, path, from+int64(len(text)), logLimit)
		if text = append(text, more...); err != nil || len(more) < logLimit {
			return text
		}
	}
}

// probe adds a sample of the engines.
func (s *sampler) probe(ctx context.Context) {
	at := time.Since(s.began).Seconds()
	counters := s.m.t.Plan.Smoke.Counters
	var urls []string
	for _, c := range counters {
		urls = append(urls, c.URL)
	}
	look, err := s.m.load().Look(ctx, host.Question{Pages: urls})
	if err != nil || ctx.Err() != nil {
		return
	}
	sample := artifacts.Sample{T: millis(at)}
	for _, c := range counters {
		if page := look.Pages[c.URL]; page.Code == http.StatusOK {
			if e, some := gauges(c.Service, string(page.Text)); some {
				sample.Engines = append(sample.Engines, e)
			}
		}
	}
	if len(sample.Engines) > 0 {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.engines = append(s.engines, sample)
	}
}

// millis rounds to milliseconds: more digits only make the file longer.
func millis(seconds float64) float64 { return math.Round(seconds*1000) / 1000 }

// gauges reads a worker's page. some is false if it has none of them.
func gauges(service, page string) (e artifacts.EngineSample, some bool) {
	e.Service = service
	add := func(to **float64, value float64) {
		if *to == nil {
			*to = new(float64)
		}
		**to += value
	}
	for line := range strings.Lines(page) {
		if len(line) == 0 || line[0] != 'v' && line[0] != 'd' { // most lines are comments or histograms
			continue
		}
		name, value, ok := metricLine(line)
		if !ok {
			continue
		}
		switch name {
		case "vllm:num_requests_running":
			add(&e.Running, value)
		case "vllm:num_requests_waiting":
			add(&e.Waiting, value)
		case "vllm:num_preemptions_total", "vllm:num_preemptions":
			add(&e.Preemptions, value)
		case "vllm:kv_cache_usage_perc", "vllm:gpu_cache_usage_perc": // a share, in spite of the name
			if e.KVUsage == nil || *e.KVUsage < value {
				e.KVUsage = &value
			}
		case "dynamo_component_inflight_requests":
			if strings.Contains(line, `dynamo_endpoint="generate"`) {
				add(&e.InFlight, value)
			}
		default:
			continue
		}
		some = true
	}
	return e, some
}

// metricLine splits a line of Prometheus text: name{labels} value.
func metricLine(line string) (name string, value float64, ok bool) {
	end := strings.IndexAny(line, "{ ")
	if end < 0 {
		return "", 0, false
	}
	rest := line[end:]
	if labels := strings.LastIndexByte(rest, '}'); labels >= 0 {
		rest = rest[labels+1:]
	}
	f := strings.Fields(rest)
	if len(f) == 0 {
		return "", 0, false
	}
	value, err := strconv.ParseFloat(f[0], 64)
	return line[:end], value, err == nil && !math.IsNaN(value) && !math.IsInf(value, 0)
}

// end returns all samples of the cell, in order of time.
func (s *sampler) end(ctx context.Context) []artifacts.Sample {
	s.mu.Lock()
	all := slices.Clone(s.engines)
	s.mu.Unlock()
	for _, name := range s.m.hosts() {
		if log, sampled := s.m.t.GPULogs[name]; sampled {
			readings := gpu.ParseReadings(string(s.m.gpuLog(ctx, name)))
			all = append(all, gpuRows(name, readings, s.began.Add(log.Offset), time.Since(s.began).Seconds())...)
		}
	}
	slices.SortStableFunc(all, func(a, b artifacts.Sample) int { return cmp.Compare(a.T, b.T) })
	return all
}

// gpuRows makes a sample of each round over the devices of a host, between the begin of a cell by the host's clock and
// its length in seconds.
func gpuRows(name string, readings []gpu.Reading, began time.Time, length float64) (all []artifacts.Sample) {
	last := -1
	for _, r := range readings {
		at := r.At.Sub(began).Seconds()
		if at < 0 || at > length {
			continue
		}
		if r.Index <= last || len(all) == 0 {
			all = append(all, artifacts.Sample{T: millis(at)})
		}
		last = r.Index
		row := &all[len(all)-1]
		row.GPUs = append(row.GPUs, artifacts.GPUSample{Host: name, Index: r.Index, Busy: r.Busy, Used: r.Used,
			Watts: r.Watts, SM: r.SM, Memory: r.Memory, Slowed: r.Slowed})
	}
	return all
}

// Samples are those of the cell, once the watch was stopped, and the time from which theirs count.
func (w *Watch) Samples() ([]artifacts.Sample, time.Time) { return w.sampled, w.sampler.began }
