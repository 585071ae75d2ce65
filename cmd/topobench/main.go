// Command topobench measures LLM serving topologies, one after another.
package main

import (
	"os"

	"topobench/internal/cli"
)

func main() { os.Exit(cli.Main(os.Args[1:], cli.OS())) }
