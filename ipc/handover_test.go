package ipc

import (
	"errors"
	"os"
	"reflect"
	"strings"
	"testing"
)

func TestHandoverArrivesAndIsRemoved(t *testing.T) {
	want := Handover{Version: Version, Role: RoleWorker, Args: []string{"a b", "ü"},
		Apps: []string{"chat"}, Link: 3,
		Worker: &WorkerHandover{Spec: sampleSpec, Slot: 2, Generation: 5, Seated: true,
			Listener: -1, Debug: true}}
	entry, err := want.Encode()
	if err != nil {
		t.Fatal(err)
	}
	name, text, _ := strings.Cut(entry, "=")
	t.Setenv(name, text)
	got, err := TakeHandover()
	if err != nil || !reflect.DeepEqual(*got, want) {
		t.Errorf("got %+v, %v, want %+v", got, err, want)
	}
	if _, found := os.LookupEnv(HandoverVariable); found {
		t.Error("the hand-over is still in the environment")
	}
	if again, err := TakeHandover(); again != nil || err != nil {
		t.Errorf("second time: got %v, %v, want nothing", again, err)
	}
}

func TestHandoverIsRefused(t *testing.T) {
	cases := map[string]struct {
		text    string
		version bool
	}{
		"nothing":        {"", false},
		"no object":      {"[]", false},
		"half":           {`{"v":1`, false},
		"wrong type":     {`{"v":1,"role":7}`, false},
		"no version":     {`{"role":"worker"}`, true},
		"version beyond": {`{"v":3,"role":"worker"}`, true},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Setenv(HandoverVariable, tc.text)
			h, err := TakeHandover()
			if err == nil || h != nil {
				t.Fatalf("got %v, %v, want an error", h, err)
			}
			if got := errors.Is(err, ErrVersion); got != tc.version {
				t.Errorf("ErrVersion is %v, want %v: %v", got, tc.version, err)
			}
			if _, found := os.LookupEnv(HandoverVariable); found {
				t.Error("the hand-over is still in the environment")
			}
		})
	}
}
