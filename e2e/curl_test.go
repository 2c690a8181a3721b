package e2e

import (
	"net"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// curl is a client that shares no code with this project, nor does its TLS.
type curl struct {
	t    *testing.T
	path string
}

func needCurl(t *testing.T) curl {
	t.Helper()
	return curl{t, need(t, "curl", "curl")}
}

// run returns what curl prints, with the headers of the answer.
func (c curl) run(args ...string) (string, error) {
	cmd := exec.Command(c.path, append([]string{
		"--disable", "--silent", "--show-error", "--include", "--noproxy", "*", "--max-time", "10",
	}, args...)...)
	return runCommand(cmd)
}

// get wants an answer with all the texts.
func (c curl) get(texts []string, args ...string) {
	c.t.Helper()
	out, err := c.run(args...)
	if err != nil {
		c.t.Errorf("curl %q: %v\n%s", args, err, out)
		return
	}
	for _, text := range texts {
		if !strings.Contains(out, text) {
			c.t.Errorf("curl %q: no %q in\n%s", args, text, out)
		}
	}
}

// The TLS of ssl Workers, as a browser would use it.
func TestTLSByCurl(t *testing.T) {
	t.Parallel()
	c := needCurl(t)
	dir := t.TempDir()
	pair := func(name string, serial int64, hosts ...string) string {
		cert, key := newPair(t, serial, hosts...)
		file := filepath.Join(dir, name)
		write(t, file, cert+key)
		return file
	}
	own, other := pair("own.pem", 1, "localhost"), pair("other.pem", 2, "other.test")
	known, stranger := pair("client.pem", 71), pair("stranger.pem", 72)
	page, socket := freeAddress(t), freeAddress(t)
	s := newService(t, "E2E_HTTPS="+page+","+socket, "E2E_CERT="+own, "E2E_CERT_OTHER="+other,
		"E2E_CERT_CLIENTS="+known)
	s.start()
	s.wantLog("certificate " + own + " loaded, serial 1,")
	at := func(host, address string) []string {
		ip, port, err := net.SplitHostPort(address)
		if err != nil {
			t.Fatal(err)
		}
		return []string{"https://" + host + ":" + port + "/", "--resolve", host + ":" + port + ":" + ip}
	}
	home := append(at("localhost", page), "--cacert", own)
	with := func(base []string, more ...string) []string {
		return append(base[:len(base):len(base)], more...)
	}

	c.get([]string{"HTTP/1.1 200", `TLS 1.2 for "localhost"`}, with(home, "--tls-max", "1.2")...)
	c.get([]string{"HTTP/1.1 200", `TLS 1.3 for "localhost"`}, with(home, "--tlsv1.3")...)
	c.get([]string{`for "other.test"`}, with(at("other.test", page), "--cacert", other)...)
	for _, version := range []string{"--tls-max 1.2", "--tlsv1.3"} {
		base := with(home, strings.Fields(version)...)
		c.get([]string{`for "localhost", client 71`}, with(base, "--cert", known)...)
		if out, err := c.run(with(base, "--cert", stranger)...); err == nil {
			t.Errorf("a client with an unknown certificate is served: %s", out)
		}
	}
	if out, err := c.run(with(at("localhost", page), "--cacert", other)...); err == nil {
		t.Errorf("the certificate of another host is shown: %s", out)
	}
	c.get([]string{"HTTP/1.1 101 ", "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=",
		`for "localhost", client 71`},
		with(at("localhost", socket), "--cacert", own, "--cert", known, "--http1.1",
			"--header", "Connection: Upgrade", "--header", "Upgrade: websocket",
			"--header", "Sec-WebSocket-Version: 13",
			"--header", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "--output", "-")...)
}
