// Server is example oneport as a program of its own: it embeds wm and has
// all its commands.
package main

import (
	"github.com/workerman-go/wm/cli"
	"github.com/workerman-go/wm/examples/oneport"
)

func main() {
	oneport.Start()
	cli.Main()
}
