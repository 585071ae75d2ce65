// Package scripts has the scripts of the Makefile (set-up of the tool cache, the tests) and the pinned versions that
// they install. It has no Go code but tests.
package scripts
