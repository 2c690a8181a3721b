// Client uploads a file to the server of example texttransfer and prints
// where it was saved.
package main

import (
	"log"
	"os"

	"github.com/workerman-go/wm/examples/texttransfer"
	"github.com/workerman-go/wm/examples/upload"
)

func main() {
	log.SetFlags(0)
	err := upload.Client("127.0.0.1:8333", texttransfer.Protocol{}, os.Args[1:], os.Stdout)
	if err != nil {
		log.Fatal(err)
	}
}
