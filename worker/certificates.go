package worker

import (
	"crypto/tls"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync/atomic"

	"github.com/workerman-go/wm/tlsengine"
)

// maxCertificateFile bounds a file of certificates or keys.
const maxCertificateFile = 1 << 20

var (
	errUnknownHost = errors.New("no certificate for this host")
	errNotLoaded   = errors.New("the certificates are not loaded")
)

// certificates are the parsed pairs of one Worker. Handshakes, which run on
// goroutines, see one complete set, the old one or the new one.
type certificates struct {
	base    *tls.Config     // the author's, or empty; never changed
	primary *Pair           // nil without CertFile
	names   map[string]Pair // by serverName
	now     atomic.Pointer[certificateSet]
}

// certificateSet is one state of the files; never changed once it is stored.
type certificateSet struct {
	primary *tls.Certificate
	names   map[string]*tls.Certificate
}

// newCertificates prepares the pairs of t, whose relative paths belong to dir.
// They are loaded by update. TLS.check has passed.
func newCertificates(t TLS, dir string) *certificates {
	s := &certificates{base: t.Config, names: make(map[string]Pair, len(t.SNI))}
	if s.base == nil {
		s.base = new(tls.Config)
	}
	if t.CertFile != "" {
		pair := Pair{t.CertFile, t.KeyFile}.in(dir)
		s.primary = &pair
	}
	for name, pair := range t.SNI {
		s.names[serverName(name)] = pair.in(dir)
	}
	if s.primary == nil && len(s.names) == 0 {
		s.now.Store(new(certificateSet)) // the Config answers alone
	}
	return s
}

// update parses all pairs from the contents of their files by path. If one is
// missing or wrong everything stays as it was, and the error names the file.
func (s *certificates) update(files map[string][]byte) error {
	next := &certificateSet{names: make(map[string]*tls.Certificate, len(s.names))}
	parsed := map[Pair]*tls.Certificate{}
	get := func(pair Pair) (cert *tls.Certificate, err error) {
		if cert = parsed[pair]; cert == nil {
			cert, err = parsePair(pair, files)
			parsed[pair] = cert
		}
		return cert, err
	}
	var err error
	if s.primary != nil {
		if next.primary, err = get(*s.primary); err != nil {
			return err
		}
	}
	for name, pair := range s.names {
		if next.names[name], err = get(pair); err != nil {
			return err
		}
	}
	s.now.Store(next)
	return nil
}

// parsePair makes a certificate of the contents of its files.
func parsePair(pair Pair, files map[string][]byte) (*tls.Certificate, error) {
	for _, path := range []string{pair.CertFile, pair.KeyFile} {
		if _, found := files[path]; !found {
			return nil, fmt.Errorf("%s file %s: the master did not send it", pair.kind(path), path)
		}
	}
	cert, err := tls.X509KeyPair(files[pair.CertFile], files[pair.KeyFile])
	if err != nil {
		return nil, fmt.Errorf("certificate file %s, key file %s: %w",
			pair.CertFile, pair.KeyFile, err)
	}
	return &cert, nil
}

// kind says which of both files path is; the certificate's may have the key
// too.
func (p Pair) kind(path string) string {
	if path == p.CertFile {
		return "certificate"
	}
	return "key"
}

// loaded tells whether handshakes can be answered.
func (s *certificates) loaded() bool { return s.now.Load() != nil }

// config returns the configuration of the Worker's handshakes; all share it,
// and each asks for the certificates of its moment.
func (s *certificates) config() *tls.Config {
	c := s.base.Clone()
	if c.MinVersion == 0 {
		c.MinVersion = tls.VersionTLS12
	}
	own, authors := c.Certificates, c.GetCertificate
	if configs := c.GetConfigForClient; configs != nil {
		c.GetConfigForClient = func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
			return whileOthersCompute(hello, configs)
		}
	}
	// With Certificates set crypto/tls would not ask for a client that names
	// no host.
	c.Certificates = nil
	c.GetCertificate = func(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
		if authors != nil {
			if cert, err := whileOthersCompute(hello, authors); cert != nil || err != nil {
				return cert, err
			}
		}
		return s.choose(hello, own)
	}
	return c
}

// whileOthersCompute calls back the author, who may ask the network for an
// answer: one host whose certificate takes long must not hold up the others.
func whileOthersCompute[T any](
	hello *tls.ClientHelloInfo, ask func(*tls.ClientHelloInfo) (T, error),
) (answer T, err error) {
	lost := tlsengine.Wait(hello.Context(), func() { answer, err = ask(hello) })
	if err == nil {
		err = lost
	}
	return answer, err
}

// choose answers one handshake: the host's pair, the wildcard's, the default
// one, then the certificates of the author's Config.
func (s *certificates) choose(hello *tls.ClientHelloInfo, own []tls.Certificate,
) (*tls.Certificate, error) {
	now := s.now.Load()
	if now == nil {
		return nil, errNotLoaded
	}
	name := serverName(hello.ServerName)
	if cert := now.names[name]; cert != nil {
		return cert, nil
	}
	if _, domain, found := strings.Cut(name, "."); found {
		if cert := now.names["*."+domain]; cert != nil {
			return cert, nil
		}
	}
	if now.primary != nil {
		return now.primary, nil
	}
	for i := range own {
		if hello.SupportsCertificate(&own[i]) == nil {
			return &own[i], nil
		}
	}
	if len(own) > 0 {
		return &own[0], nil
	}
	return nil, errUnknownHost
}

// Files gives the process the contents of its certificate files by path, as
// the master has read and checked them: before Serve, and again whenever they
// have changed. Connections stay; later handshakes use the new certificates.
// An error means that the Worker has no certificates yet; a later set that
// cannot be used is logged, and the old one stays. Called on the loop
// goroutine, or before the loop runs.
func (p *Process) Files(files map[string][]byte) error {
	for w := range p.members {
		certs := w.certificates()
		if certs == nil {
			continue
		}
		err := certs.update(files)
		switch {
		case err == nil:
		case certs.loaded():
			p.logf("certificates stay as they are: %v", err)
		default:
			return err
		}
	}
	return nil
}

// certificates returns those of transport ssl, nil for any other. They are
// made by the first call.
func (w *Worker) certificates() *certificates {
	if w.certs == nil && w.transport() == "ssl" {
		w.certs = newCertificates(w.TLS, w.appDir)
	}
	return w.certs
}

// loadCertificates reads the files of a Worker that this process opened by
// itself.
func (w *Worker) loadCertificates() error {
	certs := w.certificates()
	if certs == nil || certs.loaded() {
		return nil
	}
	files := map[string][]byte{}
	for _, pair := range w.TLS.files(w.appDir) {
		for _, path := range []string{pair.CertFile, pair.KeyFile} {
			info, err := os.Stat(path)
			if err == nil && info.Size() > maxCertificateFile {
				err = fmt.Errorf("%s: more than %d bytes", path, maxCertificateFile)
			}
			if err == nil {
				files[path], err = os.ReadFile(path)
			}
			if err != nil {
				return fmt.Errorf("%s file: %w", pair.kind(path), err)
			}
		}
	}
	return certs.update(files)
}
