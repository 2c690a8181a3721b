package gateway_test

import (
	"errors"
	"log"
	"net/http"

	"github.com/workerman-go/wm/gateway"
)

// A web application that shows how many people are in a room, and says something to
// all of them.
func ExampleClient() {
	cluster := &gateway.Client{
		RegisterAddress: []string{"192.168.1.4:1236"},
		SecretKey:       "the one of the Gateways",
	}
	defer cluster.Close()

	http.HandleFunc("POST /news", func(w http.ResponseWriter, r *http.Request) {
		ctx := r.Context()
		n, err := cluster.ClientCountByGroup(ctx, "news")
		var partial *gateway.PartialError
		if errors.As(err, &partial) {
			log.Printf("counted without %v", partial.Missing)
		} else if err != nil {
			http.Error(w, err.Error(), http.StatusBadGateway)
			return
		}
		news := map[string]any{"type": "news", "text": r.FormValue("text"), "readers": n}
		if err := cluster.SendToGroup(ctx, "news", news); err != nil {
			http.Error(w, err.Error(), http.StatusBadGateway)
		}
	})
	log.Print(http.ListenAndServe("127.0.0.1:8080", nil))
}

// In a handler of a BusinessWorker: into a room, and a word to everybody else there.
func ExampleSendTo() {
	b := gateway.NewBusinessWorker()
	b.OnMessage = func(e *gateway.Event, message []byte) {
		room := string(message)
		if err := gateway.JoinGroup(e.ClientID, room); err != nil {
			_ = e.Send(err.Error())
			return
		}
		_ = gateway.SendTo(gateway.Target{
			Groups: []string{room}, Exclude: []string{e.ClientID},
		}, "somebody has come in")
	}
}
