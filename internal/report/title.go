package report

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"topobench/internal/artifacts"
	"topobench/internal/text"
)

// title is the title of the chart. The mark of a partial run is in front, because the chart cuts off the end of a long
// title.
func title(rows []Row, o Options) string {
	shown := cmp.Or(o.Title, nodes(rows))
	if o.Partial {
		shown = "partial: " + shown
	}
	return "Pareto - " + shown
}

// nodes counts the hosts of the workers: "Single Node", "Two Nodes", "4 Nodes", or "Single Node and Two Nodes" of
// unlike topologies. Trees of upstream record no hosts: they are the guide's single node.
func nodes(rows []Row) string {
	var counts []int
	_, deployments := byArtifacts(rows)
	for _, d := range deployments {
		hosts := text.Distinct(text.Each(d.Workers, func(w artifacts.Worker) string { return w.Host }))
		counts = append(counts, max(1, len(hosts)))
	}
	if len(counts) == 0 {
		counts = []int{1}
	}
	slices.Sort(counts)
	return strings.Join(text.Each(slices.Compact(counts), nodesText), " and ")
}

func nodesText(n int) string {
	switch n {
	case 1:
		return "Single Node"
	case 2:
		return "Two Nodes"
	}
	return strconv.Itoa(n) + " Nodes"
}
