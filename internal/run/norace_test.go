//go:build !race

package run

const simulated = 4000
