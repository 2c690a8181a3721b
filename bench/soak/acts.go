package main

// act is what a client can do.
type act struct {
	name string
	play func(c *client) error
	// lasting says that the processes it talks to stay over reloads, so that
	// none of its connections may be ended by one.
	lasting bool
}

// allActs is what is played.
func allActs() []act {
	acts := []act{
		{"http pages", browse, false},
		{"http bad requests", badRequest, false},
		{"udp datagrams", datagrams, false},
		{"connect, half a message, go", comeAndGo, false},
		{"handshakes that say no more", abandon, false},
		{"wrong handshakes", wrongHandshake, false},
		{"packets beyond the limit", longPacket, true},
		{"bad websocket frames", badFrame, false},
		{"TLS handshakes cut off", cutTLS, true},
		{"text behind PROXY headers", proxied, true},
		{"PROXY headers of strangers", pretend, true},
	}
	for _, w := range wires {
		lasting := w.worker == "text" || w.worker == "frame" || w.worker == "wss"
		acts = append(acts, act{w.worker + " talk", w.talk, lasting},
			act{w.worker + " stops reading", w.stop, lasting})
	}
	return acts
}
