// Client sends its argument to the server of example jsonnl and prints the
// answer.
package main

import (
	"bufio"
	"fmt"
	"log"
	"net"
	"os"
	"strings"

	"github.com/workerman-go/wm/examples/jsonnl"
)

func main() {
	log.SetFlags(0)
	conn, err := net.Dial("tcp", "127.0.0.1:1234")
	if err != nil {
		log.Fatal(err)
	}
	message := jsonnl.Message{Type: "message", Content: strings.Join(os.Args[1:], " ")}
	line, err := jsonnl.Protocol[jsonnl.Message]{}.Encode(nil, message, nil)
	if err != nil {
		log.Fatal(err)
	}
	if _, err := conn.Write(line); err != nil {
		log.Fatal(err)
	}
	reply, err := bufio.NewReader(conn).ReadString('\n')
	if err != nil {
		log.Fatal(err)
	}
	fmt.Print(reply)
}
