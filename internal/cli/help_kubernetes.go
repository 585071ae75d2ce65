package cli

import (
	"fmt"

	"topobench/internal/kube"
)

func kubernetesPage(p *page) {
	p.heading("From a cluster to the chart")
	p.text("topobench run PROFILE... --kube measures topologies as pods, through your own kubectl. up --kube holds " +
		"one.")
	for _, step := range []string{
		"The cluster has Dynamo's operator, for topologies with a frontend of Dynamo, and a namespace for you.",
		"topobench doctor disagg-1node agg-1node --kube --kube-namespace bench --kube-image " +
			"nvcr.io/nvidia/ai-dynamo/vllm-runtime:1.6.1",
		"topobench run disagg-1node agg-1node --kube --kube-namespace bench --kube-image " +
			"nvcr.io/nvidia/ai-dynamo/vllm-runtime:1.6.1",
	} {
		p.point(step)
	}
	for _, row := range kubeSteps() {
		p.item(nameColumn, row[0], row[1])
	}
	p.heading("The manifests by hand")
	p.text("topobench plan PROFILE... --kube prints a bash script: the manifests of each topology, and the lines of " +
		"kubectl that create them, wait, measure with aiperf in the cluster, fetch the results and delete " +
		"everything. It starts nothing itself. bash runs the script; a person can type the lines too.")
	for _, step := range []string{
		"topobench plan disagg-1node agg-1node --kube --kube-namespace bench --kube-image " +
			"nvcr.io/nvidia/ai-dynamo/vllm-runtime:1.6.1 >bench.sh",
		"bash bench.sh",
		"topobench plot --artifacts-root-dir artifacts_root",
	} {
		p.point(step)
	}
	p.heading("Objects")
	for _, row := range kubeObjects() {
		p.item(nameColumn, row[0], row[1])
	}
	p.text(fmt.Sprintf("Every object has the label %s and is owned by the Job of the load. That Job has a "+
		"deadline, which a run moves on until the pod of the load runs. It ends 10 minutes after the last sign of "+
		"life of a script, and --orphan-grace after the last one of a run; Kubernetes deletes the rest then. "+
		"kubectl create refuses to change an object that is there already.",
		kube.RunLabel))
	p.heading("Notes")
	for _, note := range kubeNotes() {
		p.point(note)
	}
	p.heading("Differences from the guide")
	for _, d := range kube.Deviations() {
		p.item(nameColumn, d.ID, d.Done+". Reason: "+d.Why+".")
	}
}

// kubeSteps are what a run does.
func kubeSteps() [][2]string {
	return [][2]string{
		{"doctor --kube", "prints all checks, and starts nothing: context, namespace, the user's rights, Dynamo's " +
			"definition, every object, GPUs of the nodes against those of a topology, quotas. Nodes and quotas are " +
			"warnings: a cluster may add nodes."},
		{"checks", "The API server checks the rights of the user and every object (--dry-run=server). Nothing is " +
			"created yet. A name that is taken is code 6."},
		{"load", "The Job of the load is created first. topobench copies itself into its pod, which has no GPU, and " +
			"runs aiperf there; the results return by kubectl exec and are compared with their SHA-256."},
		{"ready", "The generation is observed, replicas are updated, ready and available, no pod restarted, the " +
			"model is listed, a frontend of Dynamo has exactly the planned instances, and every worker counted a " +
			"request. A cause that lasts ends the launch: an image, a " +
			"crash, memory, a quota; insufficient GPUs or a volume after 8 s."},
		{"cell", "A pod that restarts, moves or dies ends the cell. The topology is launched again, once. " +
			"Warnings of the namespace, and events of the topology's pods, are notes of the cell."},
		{"facts", "provenance.json has the images by digest, the nodes with their GPUs, driver, kernel and " +
			"container runtime if the user may read nodes, and names the files with the objects as they were created " +
			"and as the cluster admitted them."},
		{"end", "topobench deletes the objects by their label, and goes on once none is left, by label and by owner. " +
			"Otherwise the run is DIRTY, with the objects. A killed topobench leaves nothing: the pod of the load " +
			"ends, and Kubernetes deletes the objects that its Job owns."},
		{"clean --kube", "deletes objects with the label of a run, once the Job of its load has ended, or by --force"},
	}
}

// kubeObjects are what a profile becomes.
func kubeObjects() [][2]string {
	return [][2]string{
		{"Job", "the pod that aiperf runs in, without a GPU; load_image, else the image of the frontend"},
		{"DynamoGraphDeployment", "for prefill, decode, and aggregated workers behind Dynamo's frontend: a component " +
			"for each group of equal workers. nvidia.com/gpu is limited to the product of the parallelisms, and not " +
			"for mockers"},
		{"Deployment, Service", "for each server that takes requests itself, such as vllm serve. A mocker and its " +
			"frontend share a pod"},
		{"ConfigMap", "nginx.conf of the balancer, which is created once its servers are ready: it looks their names " +
			"up when it starts"},
	}
}

func kubeNotes() []string {
	return []string{
		"The tag of the image is the version of Dynamo, that of vllm-openai the version of vLLM, unless the key " +
			"versions has one.",
		"cuda_visible_devices, hosts, discovery and ports of workers' own have no meaning on a cluster: the " +
			"scheduler and the device plugin choose nodes and GPUs, and the operator has the discovery. GPUs are " +
			"counted as before.",
		"A model in a directory needs kubernetes.model_storage with a mount above it. A model of the hub is " +
			"downloaded by every pod, unless HF_HOME in env is a directory of that storage.",
		"env goes into the manifests, so ${ENV:NAME} is refused: name a Secret, in kubernetes.hf_token_secret or in " +
			"kubernetes.pod.",
		"timeouts.grace is the terminationGracePeriodSeconds of frontends and workers. A pod that is deleted while " +
			"its program still starts takes all of it: the first process of a container ignores SIGTERM until it " +
			"handles it.",
		"kubernetes.pod has further fields of the pods of frontends and workers, such as hostNetwork, " +
			"priorityClassName, volumes. Its containers are merged by name: {containers: [{name: main, resources: " +
			"{requests: {cpu: 8}}}]}.",
		"kubernetes: {manifest: disagg.yaml} takes a DynamoGraphDeployment as it is, v1beta1 or v1alpha1, with what " +
			"is beside it in the file: only labels and the owner are added. Engine, model, roles, replicas and the " +
			"GPUs of the chart (replicas x nodes x limit) follow from it. A count that does not follow is a fault, " +
			"with its path.",
		"Not run: NVIDIA's own operator, Grove, LWS, workers over several nodes, GPUs. The tests have a real " +
			"Kubernetes of one node, Dynamo's frontend and mocker, and a stand-in of the operator.",
	}
}
