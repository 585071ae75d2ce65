package cli

import (
	"context"
	"errors"
	"os"
	"time"

	"topobench/internal/host"
	"topobench/internal/programs"
	"topobench/internal/run"
)

// agentCmd is the part of a run on another machine. Topobench starts it there over ssh or srun; its stdin and stdout
// are the connection.
type agentCmd struct {
	RunID   string   `name:"run" required:"" help:"Id of its own run on this machine."`
	Grace   duration `default:"30s" help:"Silence of the other side after which it stops everything."`
	Temp    string   `placeholder:"DIR" help:"Place of its private directories."`
	LogCap  size     `default:"256MiB" help:"Cap on each log (0 = no cap)."`
	Recover bool     `help:"First end what an earlier agent of the run has left."`
}

// Run serves until the other side says goodbye or is gone, and leaves nothing.
func (c *agentCmd) Run(ctx context.Context, env *Env) error {
	if err := linuxOnly("agent"); err != nil {
		return err
	}
	if err := host.SetSubreaper(); err != nil {
		return err
	}
	temp := c.Temp
	if temp == "" {
		temp, _ = env.temp()
	}
	smi, err := env.nvidiaSMI()
	if err != nil {
		return err
	}
	return run.ServeAgent(ctx, run.AgentOptions{Run: c.RunID, Grace: time.Duration(c.Grace), Temp: temp,
		LogCap: uint64(c.LogCap), Recover: c.Recover, Environ: env.Environ, Shepherd: env.Shepherd, NvidiaSMI: smi,
		Release: currentRelease(), Inspect: func(ctx context.Context, question []byte) ([]byte, error) {
			return env.inspect(ctx, c.RunID, question)
		}}, os.Stdin, os.Stdout)
}

// nvidiaSMI is the path of nvidia-smi on this machine; "" = it has none.
func (e *Env) nvidiaSMI() (string, error) {
	found, err := programs.Search{Getenv: e.Getenv}.Find(programs.NvidiaSMI)
	if _, missing := errors.AsType[*programs.NotFoundError](err); err != nil && !missing {
		return "", err
	}
	return found[programs.NvidiaSMI].Path, nil
}
