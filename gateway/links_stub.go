package gateway

import "github.com/workerman-go/wm/worker"

func keepWatch(*worker.Connection) {}
