package cli_test

import "testing"

// Faults of the catalogue that a script shows; the script says what is expected.

func TestF08PortOfAStranger(t *testing.T)                { scripts(t, "busy") }
func TestF25ProgramIsMissingOrWrong(t *testing.T)        { scripts(t, "refused", "versions") }
func TestF19NginxRefusesItsConfiguration(t *testing.T)   { scripts(t, "nginx") }
func TestF54ReaderGoesAway(t *testing.T)                 { scripts(t, "closed") }
func TestF55OrchestratorKilledThenRunAgain(t *testing.T) { scripts(t, "killed") }
func TestF57EverythingKilledThenClean(t *testing.T)      { scripts(t, "all-killed") }
func TestF5CCleanBesideALivingRun(t *testing.T)          { scripts(t, "living") }
func TestF66KilledInTheTeardown(t *testing.T)            { scripts(t, "teardown-killed") }
func TestF59OrchestratorKilledForMemory(t *testing.T)    { scripts(t, "out-of-memory") }
func TestF5BTwoRunsAtOnce(t *testing.T)                  { scripts(t, "together") }
func TestF64SharedMemoryIsLeft(t *testing.T)             { scripts(t, "shm", "shm-loading") }
func TestF57RunsDirectoryIsRemoved(t *testing.T)         { scripts(t, "stale") }
