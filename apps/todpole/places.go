package todpole

import (
	"net"
	"os"
	"strconv"
)

// places are where the parts of the pond listen and find each other.
type places struct {
	websocket string // WM_TODPOLE_WEBSOCKET: of browsers
	text      string // WM_TODPOLE_TEXT: of programs
	page      string // WM_TODPOLE_PAGE
	register  string // WM_TODPOLE_REGISTER
	startPort int    // WM_TODPOLE_START_PORT: first inner port of the Gateways
	secret    string // WM_TODPOLE_SECRET: needed once an inner port is not local
}

// textPorts is how far the inner ports of the text Gateway are from those of the
// others.
const textPorts = 50

// where reads the places from the environment of the service. Only this machine
// reaches the defaults: WM_TODPOLE_WEBSOCKET=0.0.0.0:8282 WM_TODPOLE_PAGE=0.0.0.0:8383
// open the pond to others.
func where() places {
	start, err := strconv.Atoi(setting("WM_TODPOLE_START_PORT", "3000"))
	if err != nil {
		start = -1 // which the Gateway refuses
	}
	return places{
		websocket: setting("WM_TODPOLE_WEBSOCKET", "127.0.0.1:8282"),
		text:      setting("WM_TODPOLE_TEXT", "127.0.0.1:8283"),
		page:      setting("WM_TODPOLE_PAGE", "127.0.0.1:8383"),
		register:  setting("WM_TODPOLE_REGISTER", "127.0.0.1:1237"),
		startPort: start,
		secret:    setting("WM_TODPOLE_SECRET", ""),
	}
}

func setting(name, otherwise string) string {
	if value := os.Getenv(name); value != "" {
		return value
	}
	return otherwise
}

// port is the port of an address, 0 when it has none.
func port(address string) int {
	_, text, err := net.SplitHostPort(address)
	if err != nil {
		return 0
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		return 0
	}
	return n
}
