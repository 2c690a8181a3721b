package tlsengine

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"crypto/tls"
	"encoding/binary"
	"encoding/hex"
	"regexp"
	"testing"
)

// forger writes records of TLS 1.3 with the keys of the client, as crypto/tls
// has no call for a key update. TLS_AES_128_GCM_SHA256 only.
type forger struct {
	t      testing.TB
	secret []byte
	seq    uint64
}

// newForger takes the secret of the client's data from a key log (NSS format).
func newForger(t testing.TB, log []byte) *forger {
	t.Helper()
	m := regexp.MustCompile(`CLIENT_TRAFFIC_SECRET_0 \w+ (\w+)`).FindSubmatch(log)
	if m == nil {
		t.Fatalf("no client secret in %q", log)
	}
	secret, err := hex.DecodeString(string(m[1]))
	must(t, err)
	return &forger{t: t, secret: secret}
}

// expand is HKDF-Expand-Label (RFC 8446 section 7.1) without a context.
func (f *forger) expand(label string, length int) []byte {
	f.t.Helper()
	label = "tls13 " + label
	info := append([]byte{0, byte(length), byte(len(label))}, label...)
	out, err := hkdf.Expand(sha256.New, f.secret, string(append(info, 0)), length)
	must(f.t, err)
	return out
}

func (f *forger) record(kind byte, content []byte) []byte {
	f.t.Helper()
	block, err := aes.NewCipher(f.expand("key", 16))
	must(f.t, err)
	aead, err := cipher.NewGCM(block)
	must(f.t, err)
	nonce := f.expand("iv", 12)
	last := nonce[4:]
	binary.BigEndian.PutUint64(last, binary.BigEndian.Uint64(last)^f.seq)
	f.seq++
	inner := append(bytes.Clone(content), kind)
	header := binary.BigEndian.AppendUint16([]byte{23, 3, 3}, uint16(len(inner)+aead.Overhead()))
	return aead.Seal(header, nonce, inner, header)
}

// keyUpdate is the message that asks for an update in return (section 4.6.3).
func (f *forger) keyUpdate() []byte {
	f.t.Helper()
	r := f.record(22, []byte{24, 0, 0, 1, 1})
	f.secret, f.seq = f.expand("traffic upd", len(f.secret)), 0
	return r
}

func (f *forger) data(s string) []byte { return f.record(23, []byte(s)) }

// forged is a pair whose client is about to be forged.
func forged(t *testing.T) (*pair, *forger) {
	t.Helper()
	server, client := configs(tls.VersionTLS13)
	var log bytes.Buffer
	client.KeyLogWriter = &log
	p := newPair(t, server, client, NewTokens(1)).shake()
	if p.client.State().CipherSuite != tls.TLS_AES_128_GCM_SHA256 {
		t.Skip("no AES on this processor")
	}
	return p, newForger(t, log.Bytes())
}

func TestKeyUpdatesAreAnswered(t *testing.T) {
	for _, cut := range []int{1, 7, 1000} {
		p, f := forged(t)
		stream := bytes.Join([][]byte{
			f.data("one "), f.keyUpdate(), f.data("two "), f.keyUpdate(), f.keyUpdate(), f.data("three"),
		}, nil)
		var got []byte
		for len(stream) > 0 {
			n := min(cut, len(stream))
			p.server.Feed(stream[:n])
			stream = stream[n:]
			got = append(got, readAll(t, p.server)...)
		}
		if string(got) != "one two three" {
			t.Errorf("cut %d: got %q", cut, got)
		}
		if p.server.OutputSize() == 0 {
			t.Errorf("cut %d: no answer in the output", cut)
		}
		p.send(p.server, p.client, []byte("with the third key of the server"))
	}
}

func TestAnswersNobodyReadsAreBounded(t *testing.T) {
	p, f := forged(t)
	p.server.Consume(p.server.OutputSize())
	var err error
	for range 2000 {
		p.server.Feed(f.keyUpdate())
		p.server.Feed(f.data("x")) // or crypto/tls counts the updates as useless
		for n := 1; n > 0 && err == nil; {
			n, err = p.server.Read(make([]byte, 10))
		}
		if err != nil {
			break
		}
	}
	if err != ErrTooManyAnswers || p.server.OutputSize() > 2*maxAnswers {
		t.Errorf("Read = %v with an output of %d bytes", err, p.server.OutputSize())
	}
}
