package e2e

import (
	"regexp"
	"strings"
	"testing"
)

// samplePorts are those of the apps of the repository.
var samplePorts = []string{
	"127.0.0.1:2345", "127.0.0.1:2346", "127.0.0.1:2347", "127.0.0.1:2348", "127.0.0.1:55757",
	// The chat, push and the pond, with their Registers and inner ports.
	"127.0.0.1:7272", "127.0.0.1:7273", "127.0.0.1:55151", "127.0.0.1:1236",
	"127.0.0.1:2900", "127.0.0.1:2901", "127.0.0.1:2950", "127.0.0.1:7274",
	"127.0.0.1:8282", "127.0.0.1:8283", "127.0.0.1:8383", "127.0.0.1:1237",
	"127.0.0.1:3000", "127.0.0.1:3001", "127.0.0.1:3050",
}

// newSample starts the binary of the repository with its own apps.
func newSample(t *testing.T) *service {
	t.Helper()
	for _, address := range samplePorts {
		waitFor(t, eventLimit, address+" is free", func() bool { return free(address) })
	}
	s := newService(t)
	s.bin = built.sample
	s.ports = samplePorts
	s.start()
	return s
}

// The sample apps are what README tells a newcomer to try. They have fixed
// ports, so this test is the only one that starts them.
func TestSampleApps(t *testing.T) {
	t.Parallel()
	s := newSample(t)
	t.Run("hello http", func(t *testing.T) {
		if got := mustFetch(t, samplePorts[0], "/"); got != "hello world" {
			t.Errorf("answer %q", got)
		}
	})
	t.Run("hello websocket", func(t *testing.T) {
		got, err := newWebsocket(t, samplePorts[1]).message("tom")
		if got != "hello tom" || err != nil {
			t.Errorf("answer %q, %v", got, err)
		}
	})
	t.Run("hello tcp", func(t *testing.T) {
		if got := newClient(t, samplePorts[2]).mustLine(t, "tom"); got != "hello tom" {
			t.Errorf("answer %q", got)
		}
	})
	t.Run("simplechat", chat)
	t.Run("web", func(t *testing.T) {
		if got := mustFetch(t, samplePorts[4], "/"); !strings.Contains(got, "<h1>It works</h1>") {
			t.Errorf("answer %q", got)
		}
	})
	t.Run("chat", func(t *testing.T) {
		if got := mustFetch(t, "127.0.0.1:55151", "/"); !strings.Contains(got, "<title>Chat") {
			t.Errorf("answer %q", got)
		}
		got := newClient(t, "127.0.0.1:7273").mustLine(t, `{"type":"ping"}`)
		if got != `{"type":"pong"}` {
			t.Errorf("answer %q", got)
		}
	})
	t.Run("todpole", func(t *testing.T) {
		if got := mustFetch(t, "127.0.0.1:8383", "/"); !strings.Contains(got, "Tadpole pond") {
			t.Errorf("answer %q", got)
		}
		got := newClient(t, "127.0.0.1:8283").mustLine(t, `{"type":"ping"}`)
		if !strings.HasPrefix(got, `{"type":"welcome"`) {
			t.Errorf("answer %q", got)
		}
	})
	t.Run("processes", func(t *testing.T) { sampleProcesses(t, s) })
	t.Run("ticker", func(t *testing.T) { onlyTheFirstTicks(t, s) })
}

var said = regexp.MustCompile(`^user\[(\d+)\] said: (.*)$`)

// chat has three people in the room; every line reaches all of them, under one
// number for each speaker.
func chat(t *testing.T) {
	var room []*client
	for range 3 {
		room = append(room, newClient(t, samplePorts[3]))
	}
	numbers := map[string]bool{}
	for i, speaker := range room {
		text := "line " + string(rune('a'+i))
		var number string
		heard := speaker.mustLine(t, text)
		for k, listener := range room {
			if listener != speaker {
				line, err := listener.in.ReadString('\n')
				if err != nil {
					t.Fatal(err)
				}
				heard = line[:len(line)-1]
			}
			found := said.FindStringSubmatch(heard)
			if found == nil || found[2] != text || (number != "" && found[1] != number) {
				t.Errorf("listener %d heard %q of %q", k, heard, text)
				continue
			}
			number = found[1]
		}
		numbers[number] = true
	}
	if len(numbers) != len(room) {
		t.Errorf("%d speakers have %d numbers", len(room), len(numbers))
	}
}

func sampleProcesses(t *testing.T, s *service) {
	snap := s.snapshot()
	counts := map[string]int{}
	for _, w := range snap.Workers {
		counts[w.Listen] += w.Count
	}
	for listen, want := range map[string]int{
		"http://" + samplePorts[0]:      4,
		"websocket://" + samplePorts[1]: 4,
		"tcp://" + samplePorts[2]:       4,
		"text://" + samplePorts[3]:      1,
		"http://" + samplePorts[4]:      2,
	} {
		if counts[listen] != want {
			t.Errorf("%s has %d processes, want %d", listen, counts[listen], want)
		}
	}
	if _, found := counts["none"]; !found {
		t.Errorf("no Worker without an address: %v", counts)
	}
}

// onlyTheFirstTicks looks at the timers of the processes: one has one.
func onlyTheFirstTicks(t *testing.T, s *service) {
	s.waitSnapshot("a timer in the process with ID 0 and in no other", func(snap snapshot) bool {
		ticking := 0
		for _, p := range snap.Processes {
			if p.Listen == "none" && p.Slot == 0 && p.Timers == 1 {
				ticking++
			} else if p.Timers != 0 {
				return false
			}
		}
		return ticking == 1
	})
}
