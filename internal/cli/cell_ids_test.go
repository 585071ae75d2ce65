package cli_test

import "testing"

// Faults of a start and of a cell that a script shows; the script says what is expected.

func TestF01F02ServiceDiesAtTheStart(t *testing.T)       { scripts(t, "start") }
func TestF05F23ServiceLivesAndServesNoMore(t *testing.T) { scripts(t, "gone") }
func TestF06F07ServiceHangsOrIsSlow(t *testing.T)        { scripts(t, "load-hangs", "load-slow") }
func TestF09PortIsTakenLate(t *testing.T)                { scripts(t, "port-late") }
func TestF16DiscoveryDiesInACell(t *testing.T)           { scripts(t, "discovery-dies") }
func TestF17F21F22F23F24HalfATopology(t *testing.T)      { scripts(t, "half") }
func TestF18OwnDiscoveryOnOwnPorts(t *testing.T)         { scripts(t, "services") }
func TestF22TwinOnThePort(t *testing.T)                  { scripts(t, "twin") }
func TestF30WorkerDiesInACell(t *testing.T)              { scripts(t, "death") }
func TestF31WorkerHangsInACell(t *testing.T)             { scripts(t, "stall") }
func TestF32WorkerExecutesItselfAnew(t *testing.T)       { scripts(t, "restart") }
func TestF34BalancerKeepsAServerOut(t *testing.T)        { scripts(t, "ejected") }
func TestF40F41F42F43F46AIPerfGoesWrong(t *testing.T)    { scripts(t, "cells") }
func TestF52TopobenchIsStoppedInACell(t *testing.T)      { scripts(t, "ctrlz") }
