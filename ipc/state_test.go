package ipc

import (
	"encoding/binary"
	"errors"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"
)

// sampleState is what testdata/ipc/state-1.golden has. A later version keeps
// the file and reads it.
var sampleState = &State{
	Program: "wm", WM: "0.1.0", Comm: "wm", Mono: 123,
	Started:  time.Date(2025, 1, 31, 12, 0, 0, 5, time.UTC),
	Settings: Settings{StopTimeout: time.Second}, PidFile: "/r/wm.pid", DroppedLogLines: 3,
	LastNumber: 2, LastID: 9, Lock: 3, Inherited: []int{4},
	Generations: []GenerationState{{
		Number: 2, Path: "/r/wm", Root: "/r", FD: 17, Digest: []byte{1, 2}, Version: "0.1.0",
		Specs: []Spec{sampleSpec},
	}},
	Listeners: []ListenerState{
		{Key: "tcp 127.0.0.1:2345", FD: 5, Address: "127.0.0.1:2345", LentTo: -1},
		{FD: 6, Address: "/r/x.sock", File: &FileAt{Path: "/r/x.sock", Dir: 7, Own: 8}, LentTo: 0},
	},
	Groups: []GroupState{{Key: "tcp :80", Sockets: []int{1}, Steered: true}},
	Certificates: []CertificateState{{
		Key: "k", Worker: "hello/web", Pairs: []KeyPair{{Cert: "/c", Key: "/k"}},
		Contents: map[string][]byte{"/c": []byte("--")},
		Read:     map[string]FileStamp{"/c": {Dev: 1, Ino: 2, Size: 3, Mtime: 4, Ctime: 5}},
	}},
	Units: []UnitState{{
		Plan:  PlanState{Spec: sampleSpec, Listener: 0, Group: -1, Certificates: 0},
		Slots: []int{0}, Exits: []ExitState{{Status: 9, All: 2, Unexpected: 1}},
	}},
	Order: []int{0},
	Slots: []SlotState{{
		Plan: PlanState{Listener: 0, Group: -1, Certificates: -1}, Current: 0, Rest: "vacant",
		Inner: map[string]int{"tcp://127.0.0.1:2000": 1},
	}},
	Processes: []ProcessState{{
		PID: 4711, Plan: PlanState{Identity: &IdentityState{User: "www", UID: 33, GID: 33,
			Groups: []uint32{33}}, Listener: 0, Group: -1, Certificates: -1},
		State: "running", Link: LinkState{FD: 9, Partial: &Partial{Of: TypeLog, Body: []byte("{")},
			Out: []RecordState{{Record: []byte("wm"), FD: 10}}},
		Words: WordsState{FD: 11, Text: []byte("panic: x"), Said: true},
		Ended: &EndedState{Status: 9, At: time.Date(2025, 1, 31, 12, 0, 1, 0, time.UTC)},
	}},
	Words:   []WordsState{{FD: 12, Quiet: true}},
	Reloads: []ReloadState{{Renewal: -1, Leaves: []int{0}, Failed: "no", Upgraded: true}},
	Queued:  &ReloadState{Renewal: -1, Waiters: []int{0}, By: []AskerState{{UID: 33, PID: 4712}}},
	Control: ControlState{FD: 13, Callers: []CallerState{
		{FD: 14, Request: &Request{Command: CommandReload}, Out: [][]byte{[]byte("wm")}},
		{FD: 15, ReadBy: time.Date(2025, 1, 31, 12, 0, 2, 0, time.UTC)},
	}},
	Upgrade: UpgradeState{Generation: -1, Path: "/r/wm2", Install: "/r/wm", Waiters: []int{0},
		Staged: &StagedState{Path: "/r/.wm.install1", FD: 16}},
	Next: []UpgradeState{
		{Generation: 0, Path: "/r/wm3"}, {Generation: 0, Path: "/r/wm4", Waiters: []int{1}},
	},
}

const stateGolden = "state-1"

func TestStateOfVersionOneIsRead(t *testing.T) {
	if *update {
		text, err := sampleState.Encode()
		if err == nil {
			err = os.WriteFile(goldenPath(stateGolden), text, 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	text, err := os.ReadFile(goldenPath(stateGolden))
	if err != nil {
		t.Fatal(err)
	}
	got, err := DecodeState(text)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, sampleState) {
		t.Errorf("got %+v\nwant %+v", got, sampleState)
	}
}

func TestDamagedStatesAreRefused(t *testing.T) {
	good, err := sampleState.Encode()
	if err != nil {
		t.Fatal(err)
	}
	changed := func(change func([]byte) []byte) []byte { return change(append([]byte{}, good...)) }
	version := func(n uint32) []byte {
		return changed(func(b []byte) []byte {
			binary.LittleEndian.PutUint32(b[len(stateMagic):], n)
			return b
		})
	}
	cases := []struct {
		name string
		text []byte
		want error
		says string
	}{
		{"nothing", nil, ErrState, "no header"},
		{"a header cut", good[:stateHeader-1], ErrState, "no header"},
		{"another magic", changed(func(b []byte) []byte { b[0] = 'x'; return b }), ErrState, "magic"},
		{"version 0", version(0), ErrVersion, "version 0, this binary reads 1"},
		{"a later version", version(StateVersion + 1), ErrVersion, "version 2"},
		{"a body cut", good[:len(good)-1], ErrState, "bytes of"},
		{"more", append(append([]byte{}, good...), ' '), ErrState, "bytes of"},
		{"a bit", changed(func(b []byte) []byte { b[len(b)-3] ^= 1; return b }), ErrState, "checksum"},
	}
	for _, c := range cases {
		_, err := DecodeState(c.text)
		if !errors.Is(err, c.want) || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v, want %v with %q", c.name, err, c.want, c.says)
		}
	}
}

func TestStateListsItsDescriptorsOnce(t *testing.T) {
	seen := map[int]bool{}
	for _, fd := range sampleState.Descriptors() {
		if seen[fd] {
			t.Errorf("descriptor %d is listed twice", fd)
		}
		seen[fd] = true
	}
	for fd := 3; fd <= 17; fd++ {
		if !seen[fd] {
			t.Errorf("descriptor %d is not listed", fd)
		}
	}
	if len(seen) != 15 {
		t.Errorf("%d descriptors, want 15", len(seen))
	}
}

func FuzzDecodeState(f *testing.F) {
	good, err := sampleState.Encode()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add([]byte(stateMagic))
	f.Fuzz(func(t *testing.T, text []byte) {
		if st, err := DecodeState(text); (st == nil) == (err == nil) {
			t.Errorf("state %v, error %v", st, err)
		}
	})
}
