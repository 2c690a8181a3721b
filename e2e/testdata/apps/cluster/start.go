// Package cluster has the roles of a push tier that E2E_ROLES lists: register,
// gateway, business and pusher. Services that each run some of them make one
// cluster. Addresses and limits come from the environment: E2E_REGISTER,
// E2E_REGISTER_LISTEN, E2E_GATEWAY, E2E_GATEWAY_TEXT, E2E_GATEWAY_COUNT,
// E2E_INNER_PORT (the four from there are taken), E2E_LANIP, E2E_SECRET,
// E2E_BUSINESS_NAME, E2E_BUSINESS_WAIT, E2E_READY_WAIT, E2E_CONCURRENCY and E2E_PUSHER.
package cluster

import (
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/workerman-go/wm/gateway"
)

// Count is how many processes each Gateway and the BusinessWorker have.
const Count = 2

// Start declares the roles.
func Start() {
	roles := strings.Split(os.Getenv("E2E_ROLES"), ",")
	if slices.Contains(roles, "register") {
		r := gateway.NewRegister("text://" + registerAddress())
		r.Name, r.SecretKey = "register", os.Getenv("E2E_SECRET")
	}
	if slices.Contains(roles, "gateway") {
		door("websocket", "E2E_GATEWAY", 0)
		door("text", "E2E_GATEWAY_TEXT", Count)
	}
	if slices.Contains(roles, "business") {
		business()
	}
	if slices.Contains(roles, "pusher") {
		pusher(os.Getenv("E2E_PUSHER"))
	}
}

// door is the Gateway of one protocol; its inner ports begin at E2E_INNER_PORT
// and the offset.
func door(protocol, variable string, offset int) {
	address := os.Getenv(variable)
	if address == "" {
		return
	}
	g := gateway.New(protocol + "://" + address)
	g.Name, g.Count = "gateway-"+protocol, Count
	if n := number("E2E_GATEWAY_COUNT"); n > 0 {
		g.Count = n
	}
	g.RegisterAddress, g.SecretKey = registers(), os.Getenv("E2E_SECRET")
	g.StartPort = number("E2E_INNER_PORT") + offset
	if ip := os.Getenv("E2E_LANIP"); ip != "" {
		g.LanIP = ip
	}
	if wait, err := time.ParseDuration(os.Getenv("E2E_BUSINESS_WAIT")); err == nil {
		g.BusinessWait = wait
	}
}

func business() {
	b := gateway.NewBusinessWorker()
	b.Name, b.Count = "business", Count
	if name := os.Getenv("E2E_BUSINESS_NAME"); name != "" {
		b.Name = name
	}
	if n := number("E2E_CONCURRENCY"); n > 0 {
		b.Concurrency = n
	}
	if wait, err := time.ParseDuration(os.Getenv("E2E_READY_WAIT")); err == nil {
		b.ReadyWait = wait
	}
	b.RegisterAddress, b.SecretKey = registers(), os.Getenv("E2E_SECRET")
	b.OnWebSocketConnect = onWebSocketConnect
	b.OnMessage = onMessage
	b.OnClose = onClose
}

// registerAddress is where the Register listens: E2E_REGISTER_LISTEN, or where the
// others look for it.
func registerAddress() string {
	if address := os.Getenv("E2E_REGISTER_LISTEN"); address != "" {
		return address
	}
	return os.Getenv("E2E_REGISTER")
}

func registers() []string { return strings.Split(os.Getenv("E2E_REGISTER"), ",") }

// number is an environment variable that is a number, and 0 when it is none.
func number(variable string) int {
	n, _ := strconv.Atoi(os.Getenv(variable))
	return n
}
