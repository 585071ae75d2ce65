package cli

import (
	"fmt"
	"strings"

	"topobench/internal/text"
)

type helpCmd struct {
	Topic string `arg:"" optional:"" help:"Such as rules, teardown, profile, hosts, artifacts or kubernetes."`
}

// topic is a page of the manual. Its facts come from the tables that the program itself uses.
type topic struct {
	name, line string
	write      func(*page)
}

func topics() []topic {
	return []topic{
		{"rules", "when a cell counts, when there is a ratio, exit codes", rulesPage},
		{"teardown", "how a topology is taken down, the checks that prove it, signals, clean", teardownPage},
		{"profile", "every key of a profile, with type and default", profilePage},
		{"hosts", "topologies over several machines, by ssh or Slurm: keys, the agent, messages", hostsPage},
		{"artifacts", "the files of a run: columns of the CSV, keys of the JSON, events of the journal", artifactsPage},
		{"environment", "variables that topobench reads, passes on, drops and sets", environmentPage},
		{"metrics", "every number of table, CSV and chart, with its unit and source", metricsPage},
		{"kubernetes", "what a profile becomes on a cluster, and the walk to a chart", kubernetesPage},
	}
}

// Run prints one topic, or the list of all.
func (c *helpCmd) Run(env *Env) error {
	var p page
	for _, t := range topics() {
		switch c.Topic {
		case t.name:
			t.write(&p)
		case "":
			p.item(14, t.name, t.line)
		}
	}
	if len(p.lines) == 0 {
		return &usageError{fmt.Errorf("cannot find the topic %s: topobench help lists all", c.Topic)}
	}
	if c.Topic == "" {
		p.text("topobench COMMAND --help explains the flags of a command.")
	}
	_, err := fmt.Fprintln(env.Stdout, strings.Join(p.lines, "\n"))
	return err
}

// pageWidth is the width of a page in characters.
const pageWidth = 80

// page is plain text.
type page struct {
	lines []string
	begun bool // the last line is the title of a section
}

func (p *page) add(lines ...string) { p.lines, p.begun = append(p.lines, lines...), false }

// heading begins a section.
func (p *page) heading(title string) {
	if len(p.lines) > 0 {
		p.add("")
	}
	p.add(title, strings.Repeat("-", len(title)))
	p.begun = true
}

// text adds a paragraph.
func (p *page) text(paragraph string) {
	if len(p.lines) > 0 && !p.begun {
		p.add("")
	}
	p.add(text.Wrap(paragraph, "", "", pageWidth)...)
}

// item adds a name and, from a column on, its description.
func (p *page) item(column int, name, description string) {
	first, rest := fmt.Sprintf("%-*s", column, "  "+name), strings.Repeat(" ", column)
	if len([]rune(first)) > column || strings.TrimRight(first, " ") == first {
		p.add(strings.TrimRight(first, " "))
		first = rest
	}
	p.add(text.Wrap(description, first, rest, pageWidth)...)
}

// nameColumn is the width of the names in a table.
const nameColumn = 29

// table adds an item for each row, its name and description.
func (p *page) table(rows [][2]string) {
	for _, row := range rows {
		p.item(nameColumn, row[0], row[1])
	}
}

// point adds an entry of a list.
func (p *page) point(sentence string) { p.add(text.Wrap(sentence, "  - ", "    ", pageWidth)...) }
