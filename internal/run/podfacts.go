package run

import (
	"context"
	"fmt"
	"maps"
	"path/filepath"
	"sync"
	"time"

	"topobench/internal/artifacts"
	"topobench/internal/kube"
	"topobench/internal/text"
)

// Files of the objects of a topology, in the directory of the run. A launch has the latter, with its place in the run.
const (
	createdEnd  = ".manifests.yaml"
	admittedEnd = ".admitted-%d.yaml"
)

// keep writes a file of the run's directory. The objects may have secrets of the cluster.
func (t podTarget) keep(name, content string) error {
	return artifacts.WriteFile(filepath.Join(t.run.Dir.Path(), name), []byte(content), 0o600)
}

// placedWithin bounds what is read about a launch from the cluster. What comes later is missing.
const placedWithin = 5 * time.Second

// place records where the pods run, and the objects as the cluster has admitted them.
func (s *podServing) place() {
	t := s.of
	ctx, cancel := context.WithTimeout(s.Context(), placedWithin)
	defer cancel()
	c := &artifacts.Cluster{Server: t.run.cluster.Version(), Created: t.plan.Name + createdEnd}
	for _, p := range s.Pods {
		c.Pods = append(c.Pods, artifacts.Pod{Name: p.Name, Role: p.Role, Node: p.Node, Images: p.Images})
	}
	var nodes []kube.Node
	var admitted string
	var unread, err error
	var reads sync.WaitGroup
	reads.Go(func() { nodes, unread = s.Nodes(ctx) }) // the user may lack that right
	reads.Go(func() { admitted, err = s.Admitted(ctx) })
	reads.Wait()
	for _, n := range nodes {
		c.Nodes = append(c.Nodes, artifacts.Node{Name: n.Name, Facts: n.Facts, Labels: n.Labels})
	}
	if err == nil {
		c.Admitted = fmt.Sprintf(t.plan.Name+admittedEnd, t.run.launches)
		err = t.keep(c.Admitted, admitted)
	}
	s.facts = s.Facts()
	maps.Copy(s.facts, factsOfNodes(c.Nodes))
	t.run.facts.onCluster(c, unread, err)
}

// factsOfNodes are the facts by which launches are compared. A node that differs is named.
func factsOfNodes(nodes []artifacts.Node) artifacts.Values {
	var names []string
	of := map[string]artifacts.Values{}
	for _, n := range nodes {
		names = append(names, n.Name)
		of[n.Name] = n.Facts
	}
	return ofMachines(names, of)
}

// onCluster has the provenance describe the cluster too. The faults are what could not be read.
func (c *collection) onCluster(cluster *artifacts.Cluster, nodes, objects error) {
	if c == nil {
		return
	}
	c.cluster = cluster
	if nodes != nil {
		c.missing = append(c.missing, "the nodes: "+text.OneLine(nodes.Error()))
	}
	if objects != nil {
		c.missing = append(c.missing, "the admitted objects: "+text.OneLine(objects.Error()))
	}
}
