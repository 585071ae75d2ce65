// Package e2e tests topobench on the real programs: Dynamo's frontend and
// mocker, nginx, etcd, nats-server and aiperf.
//
// It has tests only. Each starts topobench as a person would, in a process of
// its own, and judges by exit code, output, files, and by what the kernel says
// is left. Without the programs they are skipped, and where CI is true they fail.
// Two run at a time.
//
// make test runs one cell of aiperf, which takes 10 s, for each kind of topology. The
// longer tests have the build tag real and Long in their names (make test-real). Those
// on real vLLM have the tag engines and Engines in their names (make test-engines): they
// need 5 GB and minutes.
package e2e
