package worker_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/workerman-go/wm/protocol/text"
	"github.com/workerman-go/wm/worker"
)

// withJoined launches a process of two Workers and returns the address of the
// second.
func withJoined(t *testing.T, first, second *worker.Worker) (*service, string) {
	t.Helper()
	s := prepare(t, first)
	fd, addr := listen(t)
	s.p.Join(second, fd)
	s.run()
	return s, addr
}

func TestJoinedWorkerIsServedBesideTheFirst(t *testing.T) {
	order := newEvents()
	first, second := echo("tcp://127.0.0.1:1"), echo("text://127.0.0.1:1")
	for name, w := range map[string]*worker.Worker{"first": first, "second": second} {
		w.Name = name
		w.OnWorkerStart = func(got *worker.Worker) error {
			order.add("start %s %v %d", name, got == w && worker.Self() == first, got.ID)
			return nil
		}
		w.OnWorkerReload = func(*worker.Worker) { order.add("reload %s", name) }
		w.OnWorkerStop = func(*worker.Worker) { order.add("stop %s", name) }
	}
	s, addr := withJoined(t, first, second)
	await(t, s.ready, "ready")
	order.expect(t, "start first true 0", "start second true 0")

	one, two := s.dial(), dial(t, addr)
	one.send("raw")
	one.expect("raw")
	two.send("li")
	two.send("ne\r\n")
	two.expect("line\n")

	s.do(func() {
		if all := s.p.Workers(); len(all) != 2 || all[0] != first || all[1] != second {
			t.Errorf("Workers() = %v", all)
		}
		s.p.Reload()
		s.p.Drain(true)
	})
	order.expect(t, "reload first", "reload second", "stop first", "stop second")
	one.Close()
	select {
	case <-s.gone:
		t.Fatal("gone with a connection of the joined Worker")
	default:
	}
	two.Close()
	await(t, s.gone, "the end of the drain")
}

func TestJoinedWorkerFailsTheStart(t *testing.T) {
	first, second := echo("tcp://127.0.0.1:1"), echo("tcp://127.0.0.1:1")
	second.OnWorkerStart = func(*worker.Worker) error { return errors.New("no database") }
	s, _ := withJoined(t, first, second)
	got := await(t, s.exits, "exit")
	if got.code != 250 || !strings.Contains(got.why, "no database") {
		t.Errorf("exit %+v", got)
	}
}

// TestMain sees whether a descriptor is left.
func TestJoinedWorkerWithoutItsCertificate(t *testing.T) {
	first, second := echo("tcp://127.0.0.1:1"), echo("ssl://127.0.0.1:1")
	second.TLS.CertFile = t.TempDir() + "/missing.pem"
	s, _ := withJoined(t, first, second)
	if got := await(t, s.exits, "exit"); !strings.Contains(got.why, "missing.pem") {
		t.Errorf("exit %+v does not name the file", got)
	}
}

func TestRehearseCanBeUndone(t *testing.T) {
	before := worker.Settings
	made, undo := worker.Rehearse(worker.App{Name: "rehearsed", Start: func() {
		worker.Settings.MaxPackageSize = 7
		worker.New("text://127.0.0.1:1").Protocol = text.Protocol
	}})
	if len(made) != 1 || worker.Settings.MaxPackageSize != 7 {
		t.Errorf("made %v, MaxPackageSize %d", made, worker.Settings.MaxPackageSize)
	}
	undo()
	if worker.Settings != before {
		t.Errorf("Settings are %+v, were %+v", worker.Settings, before)
	}
}

// Code of an app is told its own Worker and folder, also beside other apps. This
// file is the source of the second one.
func TestJoinedAppsFindThemselves(t *testing.T) {
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	declare := func(dir string) *worker.Worker {
		made, undo := worker.Rehearse(worker.App{Name: filepath.Base(dir), Dir: dir,
			Start: func() { worker.New("tcp://127.0.0.1:1") }})
		t.Cleanup(undo)
		return made[0]
	}
	first, second := declare("/nowhere/apps/first"), declare(dir)
	found := make(chan *worker.Worker, 2)
	dirs := make(chan string, 1)
	second.OnWorkerStart = func(*worker.Worker) error {
		found <- worker.Self()
		dirs <- worker.AppDir()
		go func() { found <- worker.Self() }()
		return nil
	}
	s, _ := withJoined(t, first, second)
	await(t, s.ready, "ready")
	for range 2 {
		if got := await(t, found, "Self"); got != second {
			t.Error("Self is the Worker of another app")
		}
	}
	if got := await(t, dirs, "AppDir"); got != dir {
		t.Errorf("AppDir %s, want %s", got, dir)
	}
}
