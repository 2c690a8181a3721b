package wire

import "testing"

func hi(what Command, body string) *Packet {
	return &Packet{Command: what, Flag: Scalar, Body: []byte(body)}
}

func TestWorkerHello(t *testing.T) {
	for body, want := range map[string]WorkerHello{
		`{"worker_key":"BW:0","secret_key":""}`:          {Key: "BW:0"},
		`{"worker_key":"BW:0","secret_key":"s3"}`:        {Key: "BW:0", Secret: "s3"},
		`{"worker_key":"BW:0","secret_key":"","wm":1}`:   {Key: "BW:0", WM: true},
		`{"worker_key":"a\/b","secret_key":"\u00e9\""}`:  {Key: "a/b", Secret: `é"`},
		`{"worker_key":"BW:0.2","secret_key":"","wm":1}`: {Key: "BW:0.2", WM: true},
	} {
		if got := want.Append(nil); string(got) != body {
			t.Errorf("wrote %s, want %s", got, body)
		}
		if got, err := ParseWorkerHello(hi(WorkerConnect, body)); err != nil || got != want {
			t.Errorf("%s: %+v, %v, want %+v", body, got, err, want)
		}
	}
	for _, more := range []string{`"wm":2`, `"wm":true`, `"wm":"1"`, `"more":[{"a":null}]`} {
		body := `{` + more + `,"worker_key":"BW:0","secret_key":"x"}`
		got, err := ParseWorkerHello(hi(WorkerConnect, body))
		if want := (WorkerHello{Key: "BW:0", Secret: "x"}); err != nil || got != want {
			t.Errorf("%s: %+v, %v, want %+v", body, got, err, want)
		}
	}
	for _, body := range []string{
		`{"secret_key":"s3"}`, `{"worker_key":"","secret_key":"s3"}`,
		`{"worker_key":5,"secret_key":"s3"}`, `{"worker_key":null,"secret_key":"s3"}`,
	} {
		if got, err := ParseWorkerHello(hi(WorkerConnect, body)); !isErr(err, ErrJSON) {
			t.Errorf("%s: %+v, %v, want %v", body, got, err, ErrJSON)
		}
	}
}

func TestClientHello(t *testing.T) {
	for body, want := range map[string]ClientHello{
		`{"secret_key":""}`:       {},
		`{"secret_key":"s3cret"}`: {Secret: "s3cret"},
		`{"secret_key":"\/"}`:     {Secret: "/"},
	} {
		if got := want.Append(nil); string(got) != body {
			t.Errorf("wrote %s, want %s", got, body)
		}
		if got, err := ParseClientHello(hi(GatewayClientConnect, body)); err != nil || got != want {
			t.Errorf("%s: %+v, %v, want %+v", body, got, err, want)
		}
	}
}

// A secret that is no JSON string is wrong, also where the right one is empty.
func TestAHelloNeedsASecretThatIsAString(t *testing.T) {
	for _, body := range []string{
		`{"worker_key":"BW:0"}`, `{"worker_key":"BW:0","secret_key":null}`,
		`{"worker_key":"BW:0","secret_key":5}`, `{"worker_key":"BW:0","secret_key":false}`,
		`{"worker_key":"BW:0","secret_key":[]}`, `{"worker_key":"BW:0","Secret_Key":""}`,
		`{}`, `null`,
	} {
		if got, err := ParseWorkerHello(hi(WorkerConnect, body)); !isErr(err, ErrSecret) {
			t.Errorf("%s: %+v, %v, want %v", body, got, err, ErrSecret)
		}
		if got, err := ParseClientHello(hi(GatewayClientConnect, body)); !isErr(err, ErrSecret) {
			t.Errorf("%s: %+v, %v, want %v", body, got, err, ErrSecret)
		}
	}
}

func TestAHelloIsRawJSON(t *testing.T) {
	for _, body := range []string{``, `[]`, `5`, `"x"`, `{"secret_key":""`, `{"secret_key":""}}`,
		"{\"secret_key\":\"\xff\"}"} {
		if got, err := ParseClientHello(hi(GatewayClientConnect, body)); !isErr(err, ErrJSON) {
			t.Errorf("%q: %+v, %v, want %v", body, got, err, ErrJSON)
		}
	}
	serialised := hi(WorkerConnect, `{"worker_key":"BW:0","secret_key":""}`)
	serialised.Flag = 0
	if got, err := ParseWorkerHello(serialised); !isErr(err, ErrJSON) {
		t.Errorf("flag 0: %+v, %v, want %v", got, err, ErrJSON)
	}
}
