package cli_test

import "testing"

// Faults of the catalogue, each tested by a script.

func TestF08ForeignProcessOnAPort(t *testing.T)          { scripts(t, "busy") }
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

// Faults of a start and of a cell.

func TestF01F02ServiceDiesAtTheStart(t *testing.T)       { scripts(t, "start") }
func TestF05F23ServiceRunsButStopsServing(t *testing.T)  { scripts(t, "gone") }
func TestF06F07ServiceHangsOrIsSlow(t *testing.T)        { scripts(t, "load-hangs", "load-slow") }
func TestF09PortIsTakenLate(t *testing.T)                { scripts(t, "port-late") }
func TestF16DiscoveryDiesInACell(t *testing.T)           { scripts(t, "discovery-dies") }
func TestF17F21F22F23F24IncompleteTopology(t *testing.T) { scripts(t, "half") }
func TestF18OwnDiscoveryOnOwnPorts(t *testing.T)         { scripts(t, "services") }
func TestF22TwinOnThePort(t *testing.T)                  { scripts(t, "twin") }
func TestF30WorkerDiesInACell(t *testing.T)              { scripts(t, "death") }
func TestF31WorkerHangsInACell(t *testing.T)             { scripts(t, "stall") }
func TestF32WorkerExecutesItselfAgain(t *testing.T)      { scripts(t, "restart") }
func TestF34BalancerKeepsAServerOut(t *testing.T)        { scripts(t, "ejected") }
func TestF40F41F42F43F46AIPerfGoesWrong(t *testing.T)    { scripts(t, "cells") }
func TestF52TopobenchIsStoppedInACell(t *testing.T)      { scripts(t, "ctrlz") }

// Faults of GPUs, with a fake nvidia-smi.

func TestF11GPUIndexMissing(t *testing.T)          { scripts(t, "gpu-missing") }
func TestF12WorkersGetTheirGPUs(t *testing.T)      { scripts(t, "gpu-order") }
func TestF13GPUUsedByAnother(t *testing.T)         { scripts(t, "gpu-busy") }
func TestF14GPULostBetweenTopologies(t *testing.T) { scripts(t, "gpu-lost") }
func TestF15NvidiaSMIHangs(t *testing.T)           { scripts(t, "gpu-unknown") }
func TestF33GPUSharedInACell(t *testing.T)         { scripts(t, "gpu-shared") }
func TestF60GPUMemoryComesBackLate(t *testing.T)   { scripts(t, "gpu-memory") }
func TestP7GPUClaimedByAnotherRun(t *testing.T)    { scripts(t, "gpu-claim") }

// Cases from nodes in use.

func TestC05TheAllocationIsALimit(t *testing.T) { scripts(t, "gpu-allocation") }

func TestDoctorEndsAsRunWould(t *testing.T)                    { scripts(t, "doctor") }
func TestC02C11C12C20C21TheEnvironmentIsTheUsers(t *testing.T) { scripts(t, "environment") }
func TestC02C04UnlikeSettingsAreNamed(t *testing.T)            { scripts(t, "unlike") }
func TestF8DAChangedSetupIsRefused(t *testing.T)               { scripts(t, "resume-drift") }
