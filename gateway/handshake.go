package gateway

import (
	"github.com/workerman-go/wm/protocol/http1"
	"github.com/workerman-go/wm/worker"
)

func handshakeBody(conn *worker.Connection, r *http1.Request) []byte { return nil }
