package kube

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"topobench/internal/text"
)

// Finding is one fact about a cluster.
type Finding struct {
	About string // one of the constants below
	Found string
	Next  string // what to do; "" = nothing, or Found has it
	Fault bool   // a run cannot begin
	Doubt bool   // it begins, and may fail
	Taken bool   // of a Fault: an object of another owner has the name
}

// What findings are about.
const (
	OfContext   = "context"
	OfNamespace = "namespace"
	OfRights    = "rights"
	OfOperator  = "operator"
	OfObjects   = "objects"
	OfNodes     = "nodes"
	OfQuota     = "quota"
	OfLoad      = "load-image"
)

// doctor collects the findings about a cluster.
type doctor struct {
	*Cluster
	topologies []Topology
	all        []Finding
}

// Doctor makes the checks of Enter for topologies, or for none, and those of GPUs and quotas, which a run does not stop
// for: a cluster may add nodes. It creates nothing.
func (c *Cluster) Doctor(ctx context.Context, topologies []Topology) []Finding {
	d := doctor{Cluster: c, topologies: topologies}
	if len(topologies) > 0 {
		if err := together(topologies); err != nil {
			d.fault(OfContext, err)
			return d.all
		}
	}
	if err := d.serverVersion(ctx); err != nil {
		d.fault(OfContext, err)
		return d.all // no other question has an answer
	}
	current, _ := d.do(ctx, "", "config", "current-context") // there is none in a pod
	d.good(OfContext, strings.TrimSpace(fmt.Sprintf("%s: Kubernetes %s", cmp.Or(c.Context,
		text.OneLine(string(current)), "the current one"), c.version)))
	if namespace, there := d.namespace(ctx); there && d.operator(ctx) && d.rightsIn(ctx, namespace) {
		d.objects(ctx)
	}
	d.nodes(ctx)
	d.quotas(ctx)
	d.loadImage()
	return d.all
}

func (d *doctor) good(about, found string) {
	d.all = append(d.all, Finding{About: about, Found: found})
}

func (d *doctor) doubt(about, found, next string) {
	d.all = append(d.all, Finding{About: about, Found: found, Next: next, Doubt: true})
}

func (d *doctor) fault(about string, err error) {
	d.all = append(d.all, Finding{About: about, Found: err.Error(), Fault: true, Taken: Taken(err)})
}

// namespace is that of the run. A user may lack the right to read it.
func (d *doctor) namespace(ctx context.Context) (namespace string, there bool) {
	namespace = d.Namespace
	if namespace == "" {
		configured, _ := d.do(ctx, "", "config", "view", "--minify", "-o", "jsonpath={..namespace}")
		namespace = cmp.Or(text.OneLine(string(configured)), "default")
	}
	out, err := d.do(ctx, "", "get", "namespace", namespace, "-o", "json")
	var of struct {
		Status struct{ Phase string } `json:"status"`
	}
	if err == nil {
		err = json.Unmarshal(out, &of)
	}
	failure, is := errors.AsType[*Failure](err)
	switch {
	case is && failure.Kind == Forbidden:
		d.good(OfNamespace, namespace+", which the user may not read")
	case err != nil:
		d.fault(OfNamespace, err)
		return namespace, false
	case of.Status.Phase == "Terminating":
		d.fault(OfNamespace, fmt.Errorf("%s is being deleted: wait until it is gone, or use another", namespace))
		return namespace, false
	default:
		d.good(OfNamespace, namespace)
	}
	return namespace, true
}

// operator looks for the definition of graphs. Topologies without a frontend of Dynamo need none.
func (d *doctor) operator(ctx context.Context) bool {
	d.graphs = slices.ContainsFunc(d.topologies, Topology.hasGraph)
	out, err := d.do(ctx, "", "api-resources", "--api-group", "nvidia.com", "--no-headers")
	for line := range strings.Lines(string(out)) {
		fields := strings.Fields(line) // NAME [SHORTNAMES] APIVERSION NAMESPACED KIND
		if n := len(fields); n >= 4 && fields[n-1] == graphKind {
			d.good(OfOperator, "the cluster has "+graphKind+", "+text.OneLine(fields[n-3]))
			return true
		}
	}
	const absent, next = "the cluster has no " + graphKind, "install Dynamo's operator"
	switch {
	case err != nil:
		d.doubt(OfOperator, "cannot see the definitions of the cluster: "+err.Error(), "")
	case d.graphs:
		d.fault(OfOperator, errors.New(absent+": "+next))
		return false
	default:
		d.doubt(OfOperator, absent+": topologies with a frontend of Dynamo cannot run", next)
	}
	return true
}

// rightsIn reports the rights that the user lacks.
func (d *doctor) rightsIn(ctx context.Context, namespace string) bool {
	out, err := d.do(ctx, Review(namespace), "create", "--validate=false", "-f", "-", "-o", "json")
	var missing []Right
	known, needed := false, Rights(d.topologies)
	if err == nil {
		missing, known, err = Missing(out, needed)
	}
	switch {
	case err != nil:
		d.fault(OfRights, fmt.Errorf("cannot look them up in the namespace %s: %w", namespace, err))
	case len(missing) == 0:
		d.good(OfRights, fmt.Sprintf("the user has all %d in the namespace %s", len(needed), namespace))
	case !known:
		d.doubt(OfRights, fmt.Sprintf("the API server cannot list all of them; these may be missing: %s",
			strings.Join(text.Each(missing, Right.String), ", ")), "")
	default:
		d.fault(OfRights, lacking(namespace, missing))
		return false
	}
	return err == nil
}

// objects lets the API server check every object.
func (d *doctor) objects(ctx context.Context) {
	if len(d.topologies) == 0 {
		return
	}
	job, err := Load(d.Run, d.topologies, Deadline(d.topologies), Supervisor(d.Grace))
	if err == nil {
		_, err = d.dryRun(ctx, job)
	}
	faults, checked := []error{err}, 1
	for _, t := range d.topologies {
		for _, o := range slices.Concat(t.Waves...) {
			_, err := d.dryRun(ctx, o)
			faults, checked = append(faults, on(t.Profile.Source, err)), checked+1
		}
	}
	for _, err := range faults {
		if err != nil {
			d.fault(OfObjects, err)
		}
	}
	if errors.Join(faults...) == nil {
		d.good(OfObjects, fmt.Sprintf("the API server admits all %d", checked))
	}
}

// nodes compares the GPUs of the nodes with those that the topologies need, one topology at a time.
func (d *doctor) nodes(ctx context.Context) {
	out, err := d.do(ctx, "", "get", "nodes", "-o", "json")
	var all []nodeObject
	if err == nil {
		all, err = readNodes(out)
	}
	if err != nil {
		d.doubt(OfNodes, "their GPUs are not known: "+err.Error(), "")
		return
	}
	if len(d.topologies) == 0 {
		d.good(OfNodes, capacity(all))
	}
	for _, t := range d.topologies {
		able := slices.DeleteFunc(slices.Clone(all), func(n nodeObject) bool {
			return !n.takes(*t.Profile.Kubernetes)
		})
		var free []int
		for _, n := range able {
			free = append(free, n.gpus())
		}
		needs := t.demands()
		line := fmt.Sprintf("%s needs %s: its pods may use %s", t.Profile.Name,
			cmp.Or(needs.String(), "no GPU"), capacity(able))
		if needs.fit(free) && len(able) > 0 {
			d.good(OfNodes, line)
			continue
		}
		d.doubt(OfNodes, line, "change the workers, kubernetes.node_selector or kubernetes.tolerations; a cluster "+
			"that adds nodes by itself may have room")
	}
}

// shownNodes bounds the nodes that one finding names.
const shownNodes = 5

// capacity is the number of nodes and of their GPUs: "2 nodes with 16 GPUs (n1 8 NVIDIA-H100, n2 8 NVIDIA-H100)".
func capacity(nodes []nodeObject) string {
	gpus, named := 0, []string{}
	for _, n := range nodes {
		if n.gpus() > 0 {
			gpus += n.gpus()
			named = append(named, strings.TrimSpace(fmt.Sprintf("%s %d %s", n.Metadata.Name, n.gpus(),
				n.Metadata.Labels[gpuLabels+"gpu.product"])))
		}
	}
	line := fmt.Sprintf("%s with %s", text.Count(len(nodes), "node", "nodes"), text.Count(gpus, "GPU", "GPUs"))
	if more := len(named) - shownNodes; more > 0 {
		named = append(named[:shownNodes], fmt.Sprintf("%d more", more))
	}
	if len(named) > 0 {
		line += " (" + text.OneLine(strings.Join(named, ", ")) + ")"
	}
	return line
}

// quotas compares the quotas of the namespace with the pods of the topologies and that of the load.
func (d *doctor) quotas(ctx context.Context) {
	out, err := d.do(ctx, "", "get", "resourcequotas", "-o", "json")
	var all []quotaObject
	if err == nil {
		all, err = readQuotas(out)
	}
	if err != nil {
		d.doubt(OfQuota, "the quotas are not known: "+err.Error(), "")
	}
	for _, t := range d.topologies {
		pods, gpus := t.demands().total()
		for _, q := range all {
			if lacks := q.lacks(pods+1, gpus); len(lacks) > 0 {
				d.doubt(OfQuota, fmt.Sprintf("%s needs %d pods, with that of the load, and %d GPUs: %s", t.Profile.Name,
					pods+1, gpus, strings.Join(lacks, ", ")), "kubectl describe quota shows what is in use")
			}
		}
	}
}

// loadImage names the image of the load. Only a pod of it shows whether aiperf runs in it.
func (d *doctor) loadImage() {
	if len(d.topologies) == 0 {
		return
	}
	k := *d.topologies[0].Profile.Kubernetes
	if k.LoadImage != "" && !d.topologies[0].Profile.FromManifest() {
		d.good(OfLoad, k.LoadImage)
		return
	}
	d.good(OfLoad, cmp.Or(k.LoadImage, k.Image)+", that of the frontend: a run ends with code 2 if it has no aiperf")
}
