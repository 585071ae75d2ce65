// Package e2e tests topobench on the real programs: Dynamo's frontend and mocker, nginx, etcd,
// nats-server and aiperf.
//
// It has only tests. Each starts topobench in a process of its own, and checks the exit code,
// the output, the files, and the processes, ports and shared memory that are left. Without the
// programs the tests are skipped; if CI is true they fail. Two run at a time.
//
// make test runs one cell of aiperf, about 10 s, for each kind of topology. The longer tests
// have the build tag real and Long in their names (make test-real). The tests on real vLLM
// have the tag engines and Engines in their names (make test-engines); they need 5 GB and
// several minutes. The tests of several hosts have the tag hosts and Hosts in their names
// (make test-hosts). They boot machines, each with namespaces of its own, and need root.
package e2e
