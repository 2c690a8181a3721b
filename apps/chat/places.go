package chat

import (
	"net"
	"os"
	"strconv"
)

// places are where the parts of the chat listen and find each other.
type places struct {
	websocket string // WM_CHAT_WEBSOCKET: of the visitors
	text      string // WM_CHAT_TEXT: of scripts, who may say everything: keep it local
	page      string // WM_CHAT_PAGE
	register  string // WM_CHAT_REGISTER
	startPort int    // WM_CHAT_START_PORT: first inner port of the Gateways
	secret    string // WM_CHAT_SECRET: needed once an inner port is not local
}

// textPorts is how far the inner ports of the text Gateway are from those of the
// others.
const textPorts = 50

// where reads the places from the environment of the service. Only this machine
// reaches the defaults: WM_CHAT_WEBSOCKET=0.0.0.0:7272 WM_CHAT_PAGE=0.0.0.0:55151
// open the chat to others.
func where() places {
	start, err := strconv.Atoi(setting("WM_CHAT_START_PORT", "2900"))
	if err != nil {
		start = -1 // which the Gateway refuses
	}
	return places{
		websocket: setting("WM_CHAT_WEBSOCKET", "127.0.0.1:7272"),
		text:      setting("WM_CHAT_TEXT", "127.0.0.1:7273"),
		page:      setting("WM_CHAT_PAGE", "127.0.0.1:55151"),
		register:  setting("WM_CHAT_REGISTER", "127.0.0.1:1236"),
		startPort: start,
		secret:    setting("WM_CHAT_SECRET", ""),
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
