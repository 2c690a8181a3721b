package gateway

// Event is what happened to one client, and what a handler does about it.
type Event struct {
	ClientID string
	Session  *Session
	Server   Server
}

// Server is what $_SERVER has in an event.
type Server struct {
	RemoteAddr  string
	RemotePort  int
	GatewayAddr string
	GatewayPort int
}

// Handshake is the upgrade request of a websocket client.
type Handshake struct {
	Get, Server, Cookie map[string]any
}
