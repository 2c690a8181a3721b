package worker_test

import (
	"errors"
	"slices"
	"testing"

	"github.com/workerman-go/wm/worker"
)

func TestExtensionsRunBeforeOnWorkerStart(t *testing.T) {
	w := echo("tcp://127.0.0.1:0")
	var order []string
	note := func(what string) func(*worker.Worker) {
		return func(*worker.Worker) { order = append(order, what) }
	}
	w.Extend(note("first"))
	w.Extend(note("second"))
	w.OnWorkerStart = func(w *worker.Worker) error {
		order = append(order, "author")
		if all := worker.Workers(); len(all) != 1 || all[0] != w {
			t.Errorf("Workers() = %v", all)
		}
		return nil
	}
	start(t, w)
	if want := []string{"first", "second", "author"}; !slices.Equal(order, want) {
		t.Errorf("ran %v, want %v", order, want)
	}
}

func TestPanicInAnExtensionFailsTheStart(t *testing.T) {
	w := echo("tcp://127.0.0.1:0")
	w.Extend(func(*worker.Worker) { panic("no backend") })
	s := launch(t, w)
	if got := await(t, s.exits, "exit"); got.code != 250 {
		t.Errorf("exit %d %s, want 250", got.code, got.why)
	}
	s.logged("no backend")
}

func TestRequirementsAreChecked(t *testing.T) {
	w := echo("tcp://127.0.0.1:0")
	ok := true
	w.Require(func() error {
		if ok {
			return nil
		}
		return errors.New("not like this")
	})
	if d := w.Declaration(); d.Err != "" {
		t.Errorf("refused: %s", d.Err)
	}
	ok = false
	if d := w.Declaration(); d.Err != "tcp://127.0.0.1:0: not like this" {
		t.Errorf("Err = %q", d.Err)
	}
}

func TestRequirementsOfAWorkerWithoutAnAddress(t *testing.T) {
	w := worker.New("")
	w.Require(func() error { return errors.New("not like this") })
	if d := w.Declaration(); d.Err != "not like this" {
		t.Errorf("Err = %q", d.Err)
	}
}

func TestAnExtensionMaySetTheCallback(t *testing.T) {
	w := worker.New("http://127.0.0.1:0")
	w.Extend(func(*worker.Worker) {})
	if d := w.Declaration(); d.Err != "" {
		t.Errorf("refused: %s", d.Err)
	}
}

func TestNeighboursAreTheWorkersOfAllStarts(t *testing.T) {
	for range 2 { // nothing is left of the first round
		var seen []*worker.Worker
		declare := func() {
			w := worker.New("tcp://127.0.0.1:0")
			w.Require(func() error { seen = worker.Neighbours(); return nil })
		}
		first, undo := worker.Rehearse(worker.App{Name: "one", Start: declare})
		second := worker.Declare(worker.App{Name: "two", Start: declare})
		first[0].Declaration()
		if want := append(first, second...); !slices.Equal(seen, want) {
			t.Errorf("%d neighbours, want %d", len(seen), len(want))
		}
		undo()
	}
}
