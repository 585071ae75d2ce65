// operator plays NVIDIA's operator for tests: it turns a v1beta1 DynamoGraphDeployment into a Deployment and a Service
// for each component, with the labels, environment, probes, ports and ServiceAccount of NVIDIA's documentation, and
// writes the status. It also serves DNS for Services.
//
// It does not play Grove, LWS, several nodes, webhooks (so v1alpha1 is not taken), finalizers, the hash in the names of
// workers, or rolling updates.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"log"
	"maps"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/tools/clientcmd"
)

// object and list are JSON.
type (
	object = map[string]any
	list   = []any
)

const period = 500 * time.Millisecond // between two looks

type operator struct {
	client  dynamic.Interface
	applied map[string]int64 // generation by UID
}

func main() {
	kubeconfig := flag.String("kubeconfig", "", "path of the kubeconfig")
	address := flag.String("dns", "", "address of the DNS server; none if empty")
	flag.Parse()
	config, err := clientcmd.BuildConfigFromFlags("", *kubeconfig)
	if err != nil {
		log.Fatal(err)
	}
	config.QPS, config.Burst = 100, 200
	o := &operator{dynamic.NewForConfigOrDie(config), map[string]int64{}}
	if *address != "" {
		go o.serveDNS(*address)
	}
	for ; ; time.Sleep(period) {
		graphs, err := o.client.Resource(graphs()).List(context.Background(), metav1.ListOptions{})
		if err != nil {
			log.Print(err)
			continue
		}
		for i := range graphs.Items {
			g := &graphs.Items[i]
			if g.GetDeletionTimestamp() != nil {
				continue
			}
			if err := o.reconcile(g); err != nil {
				log.Print(g.GetName(), ": ", err)
			}
		}
	}
}

func graphs() schema.GroupVersionResource {
	return schema.GroupVersionResource{Group: "nvidia.com", Version: "v1beta1", Resource: "dynamographdeployments"}
}

func deployments() schema.GroupVersionResource {
	return schema.GroupVersionResource{Group: "apps", Version: "v1", Resource: "deployments"}
}

func core(resource string) schema.GroupVersionResource {
	return schema.GroupVersionResource{Version: "v1", Resource: resource}
}

func rbac(resource string) schema.GroupVersionResource {
	return schema.GroupVersionResource{Group: "rbac.authorization.k8s.io", Version: "v1", Resource: resource}
}

// owned are the objects of one graph.
type owned struct {
	*operator
	graph  *unstructured.Unstructured
	owner  list
	labels object
}

// apply makes an object what it should be.
func (o owned) apply(r schema.GroupVersionResource, kind, name string, labels, rest object) error {
	namespace := o.graph.GetNamespace()
	desired := object{"apiVersion": r.GroupVersion().String(), "kind": kind, "metadata": object{"name": name,
		"namespace": namespace, "ownerReferences": o.owner, "labels": labels}}
	maps.Copy(desired, rest)
	data, err := json.Marshal(desired)
	if err == nil {
		_, err = o.client.Resource(r).Namespace(namespace).Patch(context.Background(), name,
			"application/apply-patch+yaml", data, metav1.PatchOptions{FieldManager: "operator", Force: new(true)})
	}
	return err
}

func (o *operator) reconcile(g *unstructured.Unstructured) error {
	name, uid := g.GetName(), string(g.GetUID())
	components, _, err := unstructured.NestedSlice(g.Object, "spec", "components")
	if err != nil {
		return err
	}
	if o.applied[uid] != g.GetGeneration() {
		of := owned{o, g, list{object{"apiVersion": "nvidia.com/v1beta1", "kind": "DynamoGraphDeployment", "name": name,
			"uid": uid, "controller": true, "blockOwnerDeletion": true}},
			object{"nvidia.com/dynamo-graph-deployment-name": name}}
		if err := of.account(); err != nil {
			return err
		}
		for _, c := range components {
			if err := of.component(c.(object)); err != nil {
				return err
			}
		}
		o.applied[uid] = g.GetGeneration()
	}
	return o.status(g, components)
}

// accountOf is the ServiceAccount by which the processes of a graph find each other.
func accountOf(graph string) string { return graph + "-k8s-service-discovery" }

func (o owned) account() error {
	name := accountOf(o.graph.GetName())
	read := list{"get", "list", "watch"}
	rules := list{
		object{"apiGroups": list{"discovery.k8s.io"}, "resources": list{"endpointslices"}, "verbs": read},
		object{"apiGroups": list{""}, "resources": list{"pods", "endpoints"}, "verbs": read},
		object{"apiGroups": list{"nvidia.com"}, "resources": list{"dynamoworkermetadatas"}, "verbs": list{"*"}},
	}
	if err := o.apply(core("serviceaccounts"), "ServiceAccount", name, o.labels, nil); err != nil {
		return err
	}
	if err := o.apply(rbac("roles"), "Role", name, o.labels, object{"rules": rules}); err != nil {
		return err
	}
	return o.apply(rbac("rolebindings"), "RoleBinding", name, o.labels, object{
		"roleRef":  object{"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": name},
		"subjects": list{object{"kind": "ServiceAccount", "name": name, "namespace": o.graph.GetNamespace()}}})
}
