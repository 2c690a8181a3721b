package gateway

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/workerman-go/wm/worker"
)

// heartbeatModel is wire.md 2.14 word for word: what each tick does to a client that
// speaks before those ticks. "." is nothing, "p" a ping, "x" the end.
func heartbeatModel(limit int, data string, speaks []bool) string {
	var did strings.Builder
	counter := -1
	for _, spoke := range speaks {
		if spoke {
			counter = -1
		}
		if limit > 0 && counter >= 2*limit {
			did.WriteByte('x')
			break
		}
		counter++
		if data == "" || data == "0" || counter == 0 || limit > 0 && counter%2 == 1 {
			did.WriteByte('.')
		} else {
			did.WriteByte('p')
		}
	}
	return did.String()
}

// heartbeatTicks is what the ticks of a process do to a client.
func heartbeatTicks(s *clientsService, limit int, data string, speaks []bool) string {
	s.t.Helper()
	_, id := s.dial("text")
	var did strings.Builder
	s.Do("text", func(*worker.Worker) {
		h, c := newHeartbeat(&s.p.clients, limit, data), s.p.clients.byID(id)
		for _, spoke := range speaks {
			if spoke {
				c.heard()
			}
			waiting := c.conn.SendQueueSize()
			h.tick()
			switch {
			case c.conn.Status() == worker.Closed:
				did.WriteByte('x')
				return
			case c.conn.SendQueueSize() > waiting:
				did.WriteByte('p')
			default:
				did.WriteByte('.')
			}
		}
		c.conn.Destroy()
	})
	return did.String()
}

func TestHeartbeat(t *testing.T) {
	silent := make([]bool, 8)
	talks := []bool{false, false, true, false, true, true, false, false, false, false}
	tests := []struct {
		name   string
		limit  int
		data   string
		speaks []bool
		want   string
	}{
		{"silent client, limit 1", 1, "p", silent, "..px"},
		{"silent client, limit 2", 2, "p", silent, "..p.px"},
		{"silent client, no limit", 0, "p", silent, ".ppppppp"},
		{"no data, limit 1", 1, "", silent, "...x"},
		{"no data, no limit", 0, "", silent, "........"},
		{"data 0 is none", 0, "0", silent, "........"},
		{"talks, limit 1", 1, "p", talks, ".......px"},
		{"talks, no limit", 0, "p", talks, ".p.p..pppp"},
		{"talks all the time", 1, "p", []bool{true, true, true, true}, "...."},
		{"negative limit is none", -1, "p", silent, ".ppppppp"},
	}
	s := clientsServe(t, nil, "text")
	for _, tt := range tests {
		if got := heartbeatModel(tt.limit, tt.data, tt.speaks); got != tt.want {
			t.Errorf("%s: the model does %s, want %s", tt.name, got, tt.want)
		}
		if got := heartbeatTicks(s, tt.limit, tt.data, tt.speaks); got != tt.want {
			t.Errorf("%s: %s, want %s", tt.name, got, tt.want)
		}
	}
}

func TestHeartbeatIsThatOfTheModel(t *testing.T) {
	s := clientsServe(t, nil, "text")
	rng := rand.New(rand.NewPCG(5, 14))
	for range 200 {
		limit, data := rng.IntN(5), []string{"p", "", "0"}[rng.IntN(3)]
		speaks := make([]bool, 1+rng.IntN(40))
		often := 1 + rng.IntN(10)
		for i := range speaks {
			speaks[i] = rng.IntN(often) == 0
		}
		got, want := heartbeatTicks(s, limit, data, speaks), heartbeatModel(limit, data, speaks)
		if got != want {
			t.Fatalf("limit %d, data %q, speaks %v: %s, want %s", limit, data, speaks, got, want)
		}
	}
}

func TestSilenceOfYearsIsNoMessage(t *testing.T) {
	for _, limit := range []int{0, 1 << 40} {
		table := &clients{}
		c := table.add(nil)
		h := newHeartbeat(table, limit, "")
		for tick := range 70000 {
			if h.limit > 0 && int(c.silent) >= 2*h.limit {
				break // it would be cut here
			}
			if h.tick(); int(c.silent) < min(tick, 1) {
				t.Fatalf("limit %d, tick %d: counter %d", limit, tick, c.silent)
			}
		}
	}
}

// An interval of 10 s and limit 1: a tick every 5 s, pinged in the third, cut in the
// fourth; who has sent something is not.
func TestHeartbeatOfAProcess(t *testing.T) {
	s := clientsServe(t, nil, "websocket")
	silent, _ := s.dial("websocket")
	talks, _ := s.dial("websocket")
	s.p.g = &Gateway{PingInterval: 10 * time.Second, PingNotResponseLimit: 1, PingData: "ping"}
	s.Do("websocket", func(*worker.Worker) { s.p.startHeartbeat() })
	for i := range 4 {
		talks.Send(fmt.Sprint("message ", i))
		s.newest() // the loop has read it
		s.Advance(5 * time.Second)
	}
	silent.Expect("ping")
	silent.ExpectClose()
	s.must(clientsSay("end"))
	talks.Expect("end")
}

func TestNoHeartbeatWithoutAnInterval(t *testing.T) {
	s := clientsServe(t, nil, "text")
	c, _ := s.dial("text")
	s.p.g = &Gateway{PingNotResponseLimit: 1, PingData: "ping"}
	s.Do("text", func(*worker.Worker) { s.p.startHeartbeat() })
	s.Advance(time.Hour)
	s.must(clientsSay("end"))
	c.Expect("end")
}
