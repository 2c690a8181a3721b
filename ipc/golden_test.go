package ipc

import (
	"bytes"
	"encoding/hex"
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"testing"
	"time"
)

var update = flag.Bool("update", false, "write the golden files instead of comparing")

// samples has one message of every type. A change of what they look like on
// the wire is a change of the protocol: spec.md first.
var samples = map[string]Message{
	"hello":   &Hello{PID: 4711, Version: "0.1.0"},
	"ready":   &Ready{},
	"yielded": &Yielded{Pacing: 1500 * time.Millisecond},
	"report": &Report{ID: 7, Figures: Figures{Connections: 1, TotalRequest: 2, SendFail: 3,
		ThrowException: 4, Timers: 5, Busy: 3200 * time.Millisecond, DroppedLogLines: 6},
		Workers: map[string]int64{"hello/web": 1}, WaitsFor: "3 connections (oldest 41 s)"},
	"connections": &Connections{ID: 8, Rows: []ConnectionRow{sampleConnection}, Last: true},
	"log":         &Log{Text: "user 3 said \"hé\" <b>\n"},
	"listen":      &Listen{ID: 9, Address: "tcp://127.0.0.1:2000", ReusePort: true},
	"paused":      &Paused{},
	"failed":      &Failed{Code: ExitFailed, Text: "OnWorkerStart: no database"},
	"waiting":     &Waiting{Text: "3 connections (oldest 41 s)"},
	"goodbye":     &Goodbye{Code: 0},
	"turn-over":   &TurnOver{},

	"seated":          &Seated{},
	"drain":           &Drain{Graceful: true, Timeout: 10 * time.Second, Restart: true, InLine: true},
	"reload":          &Reload{},
	"ask-report":      &AskReport{ID: 7},
	"ask-connections": &AskConnections{ID: 8},
	"kick":            &Kick{},
	"dump":            &Dump{},
	"files":           &Files{Files: map[string][]byte{"/c/a.pem": []byte("--"), "/c/b.pem": {}}},
	"lend":            &Lend{Slot: 3},
	"reclaim":         &Reclaim{Slot: 3},
	"turn":            &Turn{},
	"listening":       &Listening{ID: 9, Error: "address already in use"},

	"announce": &Announce{App: "todpole/gateway"},
	"specs": &Specs{App: "hello", Specs: []Spec{sampleSpec},
		Settings: Settings{StdoutFile: "out.log", StopTimeout: 5 * time.Second}},
	"done":    &Done{Version: "0.1.0", Program: "2.4.1"},
	"adopted": &Adopted{Version: "0.2.0", State: 1},

	"request": &Request{Command: CommandReload, Graceful: true, NoWait: true,
		Binary: "bin/.wm.next", InstallAs: "bin/wm", IfNew: true},
	"progress": &Progress{Kind: "ready", Text: "chat/2 is ready", Worker: "chat", Slot: 2,
		PID: 4711, Done: 3, Total: 4},
	"snapshot": sampleSnapshot,
	"connection-list": &ConnectionList{Rows: []ConnectionRow{sampleConnection},
		Unlisted: []UnlistedRow{{PID: 4712, Worker: "web", Slot: 1, Connections: 17, Listed: 3,
			Busy: 3200 * time.Millisecond, Silent: time.Second}}},
	"result": &Result{Code: CodeFailed, Text: "slot chat/2: OnWorkerStart"},
	"plan": &Plan{Schema: SchemaVersion, Generation: 2, Version: "0.1.0", NextVersion: "0.2.0",
		Workers: []PlanWorker{{Key: "chat/Chat", App: "chat", Listen: "text://127.0.0.1:2346",
			Source: "apps/chat/start.go:9", Change: PlanReplaced,
			Why:   []string{"Count 1 -> 2"},
			Opens: []string{"text://127.0.0.1:2346"}, Closes: []string{"text://127.0.0.1:2345"},
			Steps: []PlanStep{
				{Action: PlanReplace, PID: 4711, Generation: 2, Connections: 3},
				{Slot: 1, Action: PlanStart},
			}}}},
}

var sampleSpec = Spec{
	App: "hello", Key: "hello/web", Name: "web", Address: "HTTP://127.0.0.1:2345",
	Listen: "http://127.0.0.1:2345", Transport: "tcp", Protocol: "http", Network: "tcp",
	Host: "127.0.0.1:2345", Source: "apps/hello/start.go:14", Error: "none",
	Count: 4, User: "www-data", Group: "www-data", Reloadable: true, StopFirst: true,
	Backlog: 102400, MaxProcs: 2, ReadyTimeout: 30 * time.Second, StopTimeout: time.Second,
	ReusePort: true, Essential: true, Files: []KeyPair{{Cert: "/c/a.pem", Key: "/c/a.key"}},
}

var sampleConnection = ConnectionRow{
	PID: 4711, Worker: "web", ID: 12, Trans: "tcp", Protocol: "http", IPv4: true,
	RecvQ: 1, SendQ: 2, BytesR: 3, BytesW: 4, Status: "ESTABLISHED",
	Local: "127.0.0.1:2345", Foreign: "127.0.0.1:50000",
}

var sampleSnapshot = &Snapshot{
	Schema: SchemaVersion, Program: "wm", Version: "0.1.0", Go: "go1.26",
	Mode: "DAEMON", State: "running", MasterPID: 4710, Executable: "bin/wm",
	PidFile: "wm.pid", LogFile: "wm.log", RunDir: ".", StdoutFile: "/dev/null", Generation: 2,
	Started: time.Date(2025, 1, 31, 12, 0, 0, 0, time.UTC),
	Taken:   time.Date(2025, 1, 31, 12, 0, 30, 0, time.UTC),
	Load:    []float64{0.5, 0.25, 0.125}, DroppedLogLines: 1,
	Workers: []WorkerRow{{Key: "hello/web", App: "hello", Name: "web",
		Listen: "http://127.0.0.1:2345", Transport: "tcp", Protocol: "http", User: "root",
		Count: 4}},
	Exits: []ExitRow{{Key: "hello/web", Name: "web", Status: 9, Code: -1, Signal: "killed",
		Count: 2, Unexpected: 1}},
	Processes: []ProcessRow{{PID: 4711, Key: "hello/web", Worker: "web", Slot: 0,
		Listen: "http://127.0.0.1:2345", State: "running", Generation: 2,
		Started: time.Date(2025, 1, 31, 12, 0, 1, 0, time.UTC), Memory: 4096, Answered: true,
		Figures: Figures{Connections: 1}, QPS: 1.5}},
}

// handovers has one of every role. Encode fills in the version.
var handovers = []Handover{
	{Role: RoleMaster, Args: []string{"-x"}, Apps: []string{"chat"}, Master: &MasterHandover{
		Daemon: true, Executable: "/srv/wm", RunDir: "/run", PidFile: "p", LogFile: "l",
		StdoutFile: "o", Progress: 4}},
	{Role: RoleMaster, Master: &MasterHandover{
		Quiet: true, Watch: true, Executable: "/srv/wm", RunDir: "/run",
		Adopt: &AdoptHandover{State: 20, Image: 21}}},
	{Role: RoleMaster, Master: &MasterHandover{
		Daemon: true, Executable: "/srv/wm", RunDir: "/run",
		Adopt: &AdoptHandover{State: 20, Image: -1, Reason: "panic: x", Signals: []int{10}}}},
	{Role: RoleRehearsal, Link: 22, Master: &MasterHandover{
		Daemon: true, Executable: "/srv/wm", RunDir: "/run",
		Adopt: &AdoptHandover{State: 20, Image: -1}}},
	{Role: RoleProbe, Root: "/srv", Link: 3},
	{Role: RoleWatcher, Link: 3, Watcher: &WatcherHandover{
		Executable: "/srv/wm", RunDir: "/run", Quiet: true}},
	{Role: RoleWorker, Root: "/srv", Link: 3, Worker: &WorkerHandover{
		Spec: Spec{App: "hello", Key: "hello/web"}, Slot: 2, Generation: 5, Seated: true,
		Listener: 4, Debug: true}},
}

// A master of one version starts and becomes binaries of another.
func TestHandoverLooksLikeItsGoldenFile(t *testing.T) {
	var got bytes.Buffer
	for _, h := range handovers {
		entry, err := h.Encode()
		if err != nil {
			t.Fatal(err)
		}
		got.WriteString(entry + "\n")
	}
	if *update {
		if err := os.WriteFile(goldenPath("handover"), got.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(goldenPath("handover"))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got.Bytes(), want) {
		t.Errorf("got\n%s\nwant\n%s", got.Bytes(), want)
	}
}

func goldenPath(name string) string {
	return filepath.Join("..", "testdata", "ipc", name+".golden")
}

func TestMessageLooksLikeItsGoldenDump(t *testing.T) {
	for name, m := range samples {
		t.Run(name, func(t *testing.T) {
			recs, err := records(m)
			if err != nil {
				t.Fatal(err)
			}
			got := []byte(hex.Dump(bytes.Join(recs, nil)))
			if *update {
				if err := os.WriteFile(goldenPath(name), got, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(goldenPath(name))
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(got, want) {
				t.Errorf("got\n%s\nwant\n%s", got, want)
			}
		})
	}
}

func TestEveryTypeHasASample(t *testing.T) {
	sampled := map[Type]bool{}
	for _, m := range samples {
		sampled[m.Type()] = true
	}
	for typ, mk := range blank {
		if got := mk().Type(); got != typ {
			t.Errorf("blank[%d] makes a message of type %d", typ, got)
		}
		if !sampled[typ] {
			t.Errorf("type %d has no sample", typ)
		}
	}
}

func TestMessageSurvivesTheRoundTrip(t *testing.T) {
	mine, theirs := connPair(t)
	for name, m := range samples {
		if err := theirs.Send(m); err != nil {
			t.Fatal(err)
		}
		got, fds, err := mine.Recv()
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if !reflect.DeepEqual(got, m) || len(fds) != 0 {
			t.Errorf("%s: got %+v with %d descriptors, want %+v", name, got, len(fds), m)
		}
	}
}
