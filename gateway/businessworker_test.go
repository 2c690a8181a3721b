package gateway

import (
	"strings"
	"testing"

	"github.com/workerman-go/wm/worker"
)

func TestBusinessWorkerDefaults(t *testing.T) {
	b := NewBusinessWorker()
	if b.Name != "BusinessWorker" || len(b.RegisterAddress) != 1 ||
		b.RegisterAddress[0] != "127.0.0.1:1236" || b.Concurrency != 1 ||
		b.SendToGatewayBuffer != 10_240_000 || b.Life.StopFirst || !b.Reloadable {
		t.Errorf("defaults: %+v", b)
	}
}

func TestBusinessWorkerRefusesAtStart(t *testing.T) {
	message := func(*Event, []byte) {}
	tests := []struct {
		name string
		set  func(b *BusinessWorker)
		want string // "" is fine
	}{
		{"OnMessage alone", func(b *BusinessWorker) { b.OnMessage = message }, ""},
		{"no callback", func(*BusinessWorker) {}, "OnMessage is not set"},
		{"OnConnect alone", func(b *BusinessWorker) { b.OnConnect = func(*Event) {} }, ""},
		{"OnClose alone", func(b *BusinessWorker) { b.OnClose = func(*Event) {} }, ""},
		{"OnValue alone", func(b *BusinessWorker) { b.OnValue = func(*Event, any) {} }, ""},
		{"set in OnWorkerStart", func(b *BusinessWorker) {
			b.OnWorkerStart = func(*worker.Worker) error { return nil }
		}, ""},
		{"a callback of the Worker", func(b *BusinessWorker) {
			b.OnMessage = message
			b.Worker.OnMessage = func(*worker.Connection, []byte) {}
		}, "want BusinessWorker.OnMessage"},
		{"OnClose of the Worker", func(b *BusinessWorker) {
			b.OnMessage = message
			b.Worker.OnClose = func(*worker.Connection) {}
		}, "want BusinessWorker.OnClose"},
		{"a name that no Gateway takes", func(b *BusinessWorker) {
			b.OnMessage, b.Name = message, strings.Repeat("x", 201)
		}, "want at most 200 bytes"},
		{"a name of two lines", func(b *BusinessWorker) {
			b.OnMessage, b.Name = message, "a\nb"
		}, "no control characters"},
		{"no Register", func(b *BusinessWorker) {
			b.OnMessage, b.RegisterAddress = message, nil
		}, "RegisterAddress is empty"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b := NewBusinessWorker()
			tt.set(b)
			switch err := b.check(); tt.want {
			case "":
				if err != nil {
					t.Error(err)
				}
			default:
				rigRefused(t, err, tt.want)
				if d := b.Declaration(); d.Err != err.Error() {
					t.Errorf("the probe says %q, not %q", d.Err, err)
				}
			}
		})
	}
}
