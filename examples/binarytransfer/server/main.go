// Server is example binarytransfer as a program of its own: it embeds wm and has
// all its commands.
package main

import (
	"github.com/workerman-go/wm/cli"
	"github.com/workerman-go/wm/examples/binarytransfer"
)

func main() {
	binarytransfer.Start()
	cli.Main()
}
