// Wm supervises processes and serves sockets: Workerman for Go. The apps are
// the folders below apps/; everything else is told on the command line.
package main

import (
	"github.com/workerman-go/wm/apps"
	"github.com/workerman-go/wm/cli"
)

func main() {
	cli.Main(apps.All...)
}
