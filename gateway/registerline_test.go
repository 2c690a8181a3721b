package gateway

import (
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"
)

// The lines of wire.md 1.4, without the line feed of the protocol.
func TestLinesAreThoseOfPHP(t *testing.T) {
	list, err := addressesLine([]string{"127.0.0.1:2900", "127.0.0.1:2901"})
	none, err2 := addressesLine(nil)
	if err != nil || err2 != nil {
		t.Fatal(err, err2)
	}
	for got, want := range map[string]string{
		gatewayLine("127.0.0.1:2900", ""): gatewayA,
		gatewayLine("10.0.0.1:1", "a/é"): `{"event":"gateway_connect", ` +
			`"address":"10.0.0.1:1", "secret_key":"a/é"}`,
		workerLine(""):   someWorker,
		workerLine("s3"): `{"event":"worker_connect","secret_key":"s3"}`,
		pingLine:         `{"event":"ping"}`,
		list:             aThenB,
		none:             noGateway,
	} {
		if got != want {
			t.Errorf("wrote %s, want %s", got, want)
		}
	}
}

func TestSecretsOfAnyCharactersArrive(t *testing.T) {
	for _, secret := range []string{
		"", `"`, `\`, `a"b\c`, "\x00\x1f\n", "é😀\u2028", "</>", "\x7f",
	} {
		for _, line := range []string{gatewayLine("10.0.0.1:1", secret), workerLine(secret)} {
			l, err := parseRegisterLine([]byte(line))
			if err != nil || l.secret != secret || strings.Contains(line, "\n") {
				t.Errorf("%q: %q, %v", line, l.secret, err)
			}
		}
	}
}

func TestParseRegisterLine(t *testing.T) {
	for name, c := range map[string]struct {
		line string
		want registerLine
		err  error
	}{
		"list": {aThenB, registerLine{event: eventAddresses,
			addresses: []string{"127.0.0.1:2900", "127.0.0.1:2901"}}, nil},
		"list with a hole": {
			`{"event":"broadcast_addresses","addresses":{"0":"127.0.0.1:2900","2":"h:1"}}`,
			registerLine{event: eventAddresses, addresses: []string{"127.0.0.1:2900", "h:1"}}, nil},
		"no addresses": {noGateway, registerLine{event: eventAddresses}, nil},
		"none named": {
			`{"event":"broadcast_addresses"}`,
			registerLine{event: eventAddresses}, errNoAddresses,
		},
		"null": {
			`{"event":"broadcast_addresses","addresses":null}`,
			registerLine{event: eventAddresses}, errNoAddresses,
		},
		"a bad one": {
			`{"event":"broadcast_addresses","addresses":["x"]}`,
			registerLine{event: eventAddresses}, errNoAddresses,
		},
		"ping": {pingLine, registerLine{event: eventPing}, nil},
		"an int key": {
			`{"event":"worker_connect","secret_key":5}`,
			registerLine{event: eventWorker}, errNoSecret,
		},
		"no key": {`{"event":"worker_connect"}`, registerLine{event: eventWorker}, nil},
		"IPv6": {
			`{"event":"gateway_connect","address":"[::1]:2900"}`,
			registerLine{event: eventGateway, address: "[::1]:2900"}, nil,
		},
		"a second line for the log": {
			`{"event":"gateway_connect","address":"127.0.0.1\n:2900"}`,
			registerLine{event: eventGateway, address: "127.0.0.1\n:2900"}, errNoAddress,
		},
		"more than that": {`{"event":"ping","more":[{}]}`, registerLine{event: eventPing}, nil},
		"the last event": {`{"event":"x","event":"ping"}`, registerLine{event: eventPing}, nil},
	} {
		got, err := parseRegisterLine([]byte(c.line))
		if !errors.Is(err, c.err) || !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: %+v, %v, want %+v, %v", name, got, err, c.want, c.err)
		}
	}
}

func FuzzRegisterLine(f *testing.F) {
	for _, line := range []string{
		gatewayA, someWorker, pingLine, aThenB, noGateway, workerLine(`a"b\c`),
		`{"event":"broadcast_addresses","addresses":{"0":"127.0.0.1:2900","2":"h:1"}}`,
		`{"event":true}`, `{"event":"gateway_connect","address":["a:1"],"secret_key":null}`,
	} {
		f.Add([]byte(line))
	}
	f.Fuzz(func(t *testing.T, line []byte) {
		l, err := parseRegisterLine(line)
		if errors.Is(err, errNoLine) != (l.event == "") {
			t.Fatalf("%q: event %q, %v", line, l.event, err)
		}
		if err != nil {
			return
		}
		if !json.Valid(line) {
			t.Fatalf("%q is taken for JSON", line)
		}
		again := registerLine{}
		switch l.event {
		case eventGateway:
			again, err = parseRegisterLine([]byte(gatewayLine(l.address, l.secret)))
		case eventWorker:
			again, err = parseRegisterLine([]byte(workerLine(l.secret)))
		case eventAddresses:
			built, err2 := addressesLine(l.addresses)
			if err2 != nil {
				t.Fatalf("%q: %v", line, err2)
			}
			again, err = parseRegisterLine([]byte(built))
		default:
			return
		}
		if err != nil || !reflect.DeepEqual(l, again) {
			t.Fatalf("%q: %+v, then %+v, %v", line, l, again, err)
		}
	})
}
