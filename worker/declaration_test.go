package worker_test

import (
	"crypto/tls"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/workerman-go/wm/protocol"
	"github.com/workerman-go/wm/protocol/http1"
	"github.com/workerman-go/wm/protocol/text"
	"github.com/workerman-go/wm/worker"
)

func onMessage(c *worker.Connection, data []byte)      {}
func onRequest(c *worker.Connection, r *http1.Request) {}
func onValue(c *worker.Connection, v any)              {}
func onConnect(c *worker.Connection)                   {}
func onWorkerStart(w *worker.Worker) error             { return nil }

func TestDeclaredDefaults(t *testing.T) {
	w := worker.New("Http://0.0.0.0:2345")
	w.OnRequest = onRequest
	got := w.Declaration()
	want := worker.Declaration{
		App: "main", Name: "none", Address: "Http://0.0.0.0:2345", Listen: "http://0.0.0.0:2345",
		Source: got.Source, Transport: "tcp", Protocol: "http", Network: "tcp",
		Host: "0.0.0.0:2345", Count: 1, Backlog: 102400, MaxProcs: 2, Reloadable: true,
		ReadyTimeout: 30 * time.Second,
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if !strings.HasPrefix(got.Source, "worker/declaration_test.go:") {
		t.Errorf("source %q", got.Source)
	}
}

func TestWorkerWithoutAddress(t *testing.T) {
	w := worker.New("")
	w.Count = -3
	got := w.Declaration()
	if got.Err != "" || got.Listen != "none" || got.Network != "" || got.Transport != "" {
		t.Errorf("got %+v", got)
	}
	if !got.StopFirst || got.Count != 1 {
		t.Errorf("StopFirst %v, Count %d, want true and 1", got.StopFirst, got.Count)
	}
	if w.ID != -1 {
		t.Errorf("ID %d, want -1", w.ID)
	}
}

func TestAddresses(t *testing.T) {
	tests := []struct{ address, listen, host, err string }{
		{"text://127.0.0.1:2348", "text://127.0.0.1:2348", "127.0.0.1:2348", ""},
		{"TCP://127.0.0.1:1", "tcp://127.0.0.1:1", "127.0.0.1:1", ""},
		{"text://[::]:80", "text://[::]:80", "[::]:80", ""},
		{"text://[fe80::1%eth0]:80", "text://[fe80::1%eth0]:80", "[fe80::1%eth0]:80", ""},
		{"text://:80", "text://:80", "0.0.0.0:80", ""},
		{"text://localhost:80", "text://localhost:80", "localhost:80", ""},
		{"text://a-b.example:65535", "text://a-b.example:65535", "a-b.example:65535", ""},

		{"127.0.0.1:80", "", "", "no scheme, want scheme://host:port"},
		{"text:/127.0.0.1:80", "", "", "no scheme"},
		{"://127.0.0.1:80", "", "", `malformed scheme ""`},
		{"2text://127.0.0.1:80", "", "", `malformed scheme "2text"`},
		{"te-xt://127.0.0.1:80", "", "", `malformed scheme "te-xt"`},
		{"text://127.0.0.1", "", "", "no port"},
		{"text://", "", "", "no port"},
		{"text://127.0.0.1:", "", "", `malformed port ""`},
		{"text://127.0.0.1:65536", "", "", `malformed port "65536"`},
		{"text://127.0.0.1:-1", "", "", `malformed port "-1"`},
		{"text://127.0.0.1:080", "", "", `malformed port "080"`},
		{"text://127.0.0.1:http", "", "", `malformed port "http"`},
		{"text://256.0.0.1:80", "", "", "malformed host"},
		{"text://::1:80", "", "", "malformed host"},
		{"text://a b:80", "", "", "malformed host"},
		{"text://a/b:80", "", "", "malformed host"},
		{"foo://127.0.0.1:80", "", "", "unknown scheme foo"},
		{"udp://127.0.0.1:80", "udp://127.0.0.1:80", "127.0.0.1:80", ""},
		{"Unix:///tmp/a/../x.sock", "unix:///tmp/a/../x.sock", "/tmp/x.sock", ""},
		{"unix://tmp/x.sock", "", "", "no absolute path, want unix:///path"},
		{"unix:///tmp/", "", "", "malformed path"},
		{"unix:///tmp/a\nb", "", "", "malformed path"},
		{"text:///tmp/x.sock", "", "", `/tmp/x.sock is a path, which needs Transport = "unix"`},
		{"ssl://127.0.0.1:80", "", "", "transport ssl needs a certificate"},
		{"ws://127.0.0.1:80", "", "", "ws is for clients, a server has websocket://"},
		{"wss://127.0.0.1:80", "", "",
			`wss is for clients, a server has websocket:// and Transport = "ssl"`},
		{"https://127.0.0.1:80", "", "",
			`https is for clients, a server has http:// and Transport = "ssl"`},
	}
	for _, tt := range tests {
		t.Run(tt.address, func(t *testing.T) {
			w := worker.New(tt.address)
			w.OnMessage = onMessage
			d := w.Declaration()
			if tt.err != "" {
				if !strings.HasPrefix(d.Err, tt.address+": "+tt.err) {
					t.Errorf("got error %q, want %q", d.Err, tt.err)
				}
				return
			}
			if d.Err != "" || d.Listen != tt.listen || d.Host != tt.host {
				t.Errorf("got %q, %q, error %q, want %q, %q",
					d.Listen, d.Host, d.Err, tt.listen, tt.host)
			}
		})
	}
}

type custom struct{ protocol.Protocol }

func TestCallbackThatTheProtocolNeeds(t *testing.T) {
	tests := []struct {
		name, address string
		set           func(w *worker.Worker)
		err           string
	}{
		{"tcp", "tcp://:1", nil, "OnMessage is not set"},
		{"text", "text://:1", nil, "OnMessage is not set"},
		{"frame", "frame://:1", nil, "OnMessage is not set"},
		{"websocket", "websocket://:1", nil, "OnMessage is not set"},
		{"http", "http://:1", func(w *worker.Worker) { w.OnMessage = onMessage },
			"OnRequest is not set"},
		{"http set", "http://:1", func(w *worker.Worker) { w.OnRequest = onRequest }, ""},
		{"own", "tcp://:1", func(w *worker.Worker) { w.Protocol = custom{} },
			"OnMessage or OnValue is not set"},
		{"own set", "tcp://:1", func(w *worker.Worker) {
			w.Protocol, w.OnValue = custom{}, onValue
		}, ""},
		{"protocol beats scheme", "http://:1", func(w *worker.Worker) {
			w.Protocol, w.OnMessage = text.Protocol, onMessage
		}, ""},
		{"no address needs none", "", nil, ""},
		{"only sends", "text://:1", func(w *worker.Worker) { w.OnWorkerStart = onWorkerStart }, ""},
		{"set in OnConnect", "tcp://:1", func(w *worker.Worker) { w.OnConnect = onConnect }, ""},
		{"switched in OnConnect", "tcp://:1", func(w *worker.Worker) {
			w.OnConnect, w.OnRequest = onConnect, onRequest
		}, ""},
		{"http with the wrong one", "http://:1", func(w *worker.Worker) {
			w.OnWorkerStart, w.OnConnect, w.OnMessage = onWorkerStart, onConnect, onMessage
		}, "OnRequest is not set"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := worker.New(tt.address)
			if tt.set != nil {
				tt.set(w)
			}
			got := strings.TrimPrefix(w.Declaration().Err, tt.address+": ")
			if tt.err == "" && got != "" || !strings.HasPrefix(got, tt.err) {
				t.Errorf("got %q, want %q", got, tt.err)
			}
		})
	}
}

func TestTransportField(t *testing.T) {
	for _, tt := range []struct{ address, transport, network, err string }{
		{"text://:1", "", "tcp", ""},
		{"text://:1", "tcp", "tcp", ""},
		{"text://:1", "udp", "udp", ""},
		{"frame://:1", "udp", "udp", ""},
		{"udp://:1", "", "udp", ""},
		{"text:///x.sock", "unix", "unix", ""},
		{"websocket:///x.sock", "unix", "unix", ""},
		{"text://:1", "unix", "", "transport unix needs a path, want text:///path"},
		{"text://:1", "sctp", "", "unknown transport sctp, want tcp, udp, ssl or unix"},
		{"websocket://:1", "udp", "", "websocket does not go over udp"},
		{"http://:1", "udp", "", "http does not go over udp"},
		{"udp://:1", "ssl", "", "the address says udp, but Transport is ssl"},
		{"unix:///x.sock", "ssl", "", "the address says unix, but Transport is ssl"},
		{"tcp://:1", "udp", "", "the address says tcp, but Transport is udp"},
		{"tcp://:1", "ssl", "", "transport ssl needs a certificate"},
	} {
		w := worker.New(tt.address)
		w.OnMessage, w.OnRequest = onMessage, onRequest
		w.Transport = tt.transport
		got := w.Declaration()
		if tt.err == "" && (got.Err != "" || got.Network != tt.network) ||
			!strings.HasPrefix(strings.TrimPrefix(got.Err, tt.address+": "), tt.err) {
			t.Errorf("%s over %q: got %q, %q, want %q, %q",
				tt.address, tt.transport, got.Network, got.Err, tt.network, tt.err)
		}
	}
}

func TestReusePortNeedsAPort(t *testing.T) {
	for address, want := range map[string]string{
		"text://:1": "", "udp://:1": "",
		"text://:0":      "text://:0: ReusePort needs a port of its own, not 0",
		"unix:///x.sock": "unix:///x.sock: ReusePort does not go with transport unix",
	} {
		w := worker.New(address)
		w.OnMessage, w.ReusePort = onMessage, true
		if got := w.Declaration(); got.Err != want || want == "" && !got.ReusePort {
			t.Errorf("%s: got %v, %q, want %q", address, got.ReusePort, got.Err, want)
		}
	}
}

func TestDeclaredCertificates(t *testing.T) {
	cert := worker.TLS{CertFile: "a.pem"}
	for _, tt := range []struct {
		name string
		tls  worker.TLS
		err  string
	}{
		{"one file", cert, ""},
		{"of the Config", worker.TLS{Config: &tls.Config{
			Certificates: make([]tls.Certificate, 1)}}, ""},
		{"made on demand", worker.TLS{Config: &tls.Config{
			GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
				return nil, nil
			}}}, ""},
		{"an empty Config", worker.TLS{Config: &tls.Config{}}, "transport ssl needs a certificate"},
		{"key alone", worker.TLS{KeyFile: "k.pem"}, "TLS.KeyFile is set without TLS.CertFile"},
		{"by host alone", worker.TLS{SNI: map[string]worker.Pair{"*.x.org": {CertFile: "x"}}}, ""},
		{"host of two stars", worker.TLS{SNI: map[string]worker.Pair{"*.*.org": {CertFile: "x"}}},
			`TLS.SNI: malformed host "*.*.org"`},
		{"no host", worker.TLS{SNI: map[string]worker.Pair{"": {CertFile: "x"}}},
			`TLS.SNI: malformed host ""`},
		{"host without a file", worker.TLS{SNI: map[string]worker.Pair{"x.org": {}}},
			"TLS.SNI: no CertFile for x.org"},
	} {
		w := worker.New("ssl://:1")
		w.OnMessage, w.TLS = onMessage, tt.tls
		got := strings.TrimPrefix(w.Declaration().Err, "ssl://:1: ")
		if tt.err == "" && got != "" || !strings.HasPrefix(got, tt.err) {
			t.Errorf("%s: got %q, want %q", tt.name, got, tt.err)
		}
	}
	w := worker.New("text://:1")
	w.OnMessage, w.TLS = onMessage, cert
	if got := w.Declaration().Err; !strings.HasSuffix(got, `want Transport = "ssl"`) {
		t.Errorf("TLS without the transport: %q", got)
	}
}

func TestCertificateFilesBelongToTheFolderOfTheApp(t *testing.T) {
	workers := worker.Declare(worker.App{Name: "secure", Dir: "/src/apps/secure", Start: func() {
		w := worker.New("websocket://:443")
		w.OnMessage, w.Transport = onMessage, "ssl"
		w.TLS = worker.TLS{CertFile: "tls/a.pem", KeyFile: "/etc/keys/../a.key",
			SNI: map[string]worker.Pair{
				"z.org": {CertFile: "z.pem"}, "y.org": {CertFile: "tls/a.pem", KeyFile: "/etc/a.key"},
			}}
	}})
	got := workers[0].Declaration()
	want := []worker.Pair{
		{CertFile: "/src/apps/secure/tls/a.pem", KeyFile: "/etc/a.key"},
		{CertFile: "/src/apps/secure/z.pem", KeyFile: "/src/apps/secure/z.pem"},
	}
	if got.Err != "" || got.Transport != "ssl" || got.Network != "tcp" ||
		!slices.Equal(got.Files, want) {
		t.Errorf("got %+v, want files %+v", got, want)
	}
}

// namedProtocol says itself what it is called.
type namedProtocol struct{ custom }

func (namedProtocol) Name() string { return "kinder" }

func TestProtocolNames(t *testing.T) {
	for _, tt := range []struct {
		address string
		p       protocol.Protocol
		want    string
	}{
		{"tcp://:1", nil, ""}, {"Text://:1", nil, "text"}, {"tcp://:1", text.Protocol, "text"},
		{"tcp://:1", custom{}, "custom"}, {"tcp://:1", &custom{}, "custom"},
		{"tcp://:1", namedProtocol{}, "kinder"},
	} {
		w := worker.New(tt.address)
		w.OnMessage, w.Protocol = onMessage, tt.p
		if got := w.Declaration().Protocol; got != tt.want {
			t.Errorf("%s with %T: got %q, want %q", tt.address, tt.p, got, tt.want)
		}
	}
}

func TestRegisteredSchemeIsServed(t *testing.T) {
	protocol.Register("Digits", digits{})
	w := worker.New("digits://127.0.0.1:0")
	w.OnValue = worker.Value(func(c *worker.Connection, n int) { c.Send(n * 2) })
	s := start(t, w)
	c := s.dial()
	c.send("4")
	c.expect("8")
}

func TestDeclareKeepsAppsApart(t *testing.T) {
	before := worker.Settings
	defer func() { worker.Settings = before }()
	main := len(worker.DeclaredMain())
	var dir string
	chat := worker.Declare(worker.App{Name: "chat", Dir: "/src/apps/chat", Start: func() {
		dir = worker.AppDir()
		worker.New("text://:1").Name = "room"
		worker.New("").Name = "clock"
		worker.Settings.StopTimeout = time.Minute
		worker.Settings.MaxPackageSize = 5
	}})
	other := worker.Declare(worker.App{Name: "other/part", Start: func() { worker.New("") }})
	if dir != "/src/apps/chat" || worker.AppDir() != "" {
		t.Errorf("directory %q inside, %q outside", dir, worker.AppDir())
	}
	if len(chat) != 2 || chat[0].Name != "room" || chat[1].Name != "clock" || len(other) != 1 {
		t.Errorf("got %d and %d Workers", len(chat), len(other))
	}
	if got := other[0].Declaration().App; got != "other/part" {
		t.Errorf("app %q", got)
	}
	if got := len(worker.DeclaredMain()); got != main {
		t.Errorf("%d Workers of main, want %d", got, main)
	}
	want := worker.SettingsValues{StopTimeout: time.Minute, MaxPackageSize: 5}
	if got := worker.SettingsOf("chat"); got != want {
		t.Errorf("chat set %+v, want %+v", got, want)
	}
	if got := worker.SettingsOf("other/part"); got != (worker.SettingsValues{}) {
		t.Errorf("other set %+v, want nothing", got)
	}
	if got := worker.SettingsSnapshot().StopTimeout; got != time.Minute {
		t.Errorf("snapshot has %v", got)
	}
}

func TestWorkersOfTheMainProgram(t *testing.T) {
	before := len(worker.DeclaredMain())
	w := worker.New("")
	all := worker.DeclaredMain()
	if len(all) != before+1 || all[before] != w || w.Declaration().App != "main" {
		t.Errorf("%d Workers, app %q", len(all), w.Declaration().App)
	}
}

func TestSettingsAreDefaultsOfLaterConnections(t *testing.T) {
	before := worker.Settings
	defer func() { worker.Settings = before }()
	w := echo("text://127.0.0.1:0")
	accepted := conns(w)
	s := start(t, w)
	for _, tt := range []struct{ set, send, pack int }{
		{0, 1 << 20, 10 << 20}, // 0 is the default
		{77, 77, 77},
	} {
		s.do(func() {
			worker.Settings.MaxSendBufferSize, worker.Settings.MaxPackageSize = tt.set, tt.set
		})
		s.dial()
		c := await(t, accepted, "connection")
		s.do(func() {
			if c.MaxSendBufferSize != tt.send || c.MaxPackageSize != tt.pack {
				t.Errorf("got %d and %d", c.MaxSendBufferSize, c.MaxPackageSize)
			}
		})
	}
}
