package worker

import (
	"crypto/tls"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// TLS has the certificates of a Worker whose Transport is "ssl" (features.md
// group 33), and of connections that are dialled over ssl or wss.
//
// The files of a Worker are read by the master, as the user it runs as: the
// processes, which may run as another, need no right to see them. The master
// looks at the files every 2 seconds and at each reload, and hands changed
// ones to the running processes: no connection is dropped, and handshakes that
// begin later use the new certificates. Files that do not fit together change
// nothing and are logged. At a start or a reload they are an error.
//
// A path is relative to the folder of the app (see AppDir); to the working
// directory of the master for Workers that no app declared. A file may have
// 1 MiB. Keys are not encrypted.
//
// The files of a Worker that is opened by Worker.Listen are read by the
// process itself, once: the master reads nothing that a process only asks for.
type TLS struct {
	// CertFile is the certificate in PEM, followed by those of its issuers
	// as far as clients need them. It is the one for clients that name no
	// host or one that SNI does not have.
	CertFile string
	// KeyFile is the private key of CertFile in PEM. Empty: the key is in
	// CertFile too.
	KeyFile string
	// SNI has other certificates by the host that a client asks for, such as
	// "www.example.com", or "*.example.com" for every name with one more
	// label. Case does not count. A client that asks for none of them gets
	// CertFile, and is refused when there is none.
	SNI map[string]Pair
	// Config is everything else: versions, ciphers, NextProtos, ClientAuth
	// with ClientCAs for client certificates. It is copied at start. A
	// GetCertificate in it is asked first; when it returns nil without an
	// error the files above answer. It runs on a goroutine of its handshake,
	// as GetConfigForClient does, and may wait. Certificates in it serve where there is
	// no CertFile. MinVersion 0 means TLS 1.2.
	Config *tls.Config
}

// Pair is a certificate and its private key, in PEM files.
type Pair struct {
	// CertFile is the certificate, followed by those of its issuers.
	CertFile string
	// KeyFile is its key. Empty: in CertFile too.
	KeyFile string
}

// errNoCertificate is for a Worker that could not answer any handshake.
var errNoCertificate = errors.New(
	"transport ssl needs a certificate: set TLS.CertFile, or TLS.Config with one")

// set tells whether the author touched t.
func (t *TLS) set() bool {
	return t.CertFile != "" || t.KeyFile != "" || len(t.SNI) > 0 || t.Config != nil
}

// check finds what no file can mend.
func (t *TLS) check() error {
	if t.CertFile == "" && t.KeyFile != "" {
		return errors.New("TLS.KeyFile is set without TLS.CertFile")
	}
	for name, pair := range t.SNI {
		if !isServerName(name) {
			return fmt.Errorf("TLS.SNI: malformed host %q", name)
		}
		if pair.CertFile == "" {
			return fmt.Errorf("TLS.SNI: no CertFile for %s", name)
		}
	}
	if t.CertFile == "" && len(t.SNI) == 0 && !answers(t.Config) {
		return errNoCertificate
	}
	return nil
}

// answers tells whether a Config has certificates of its own.
func answers(c *tls.Config) bool {
	return c != nil && (len(c.Certificates) > 0 || c.GetCertificate != nil ||
		c.GetConfigForClient != nil)
}

// isServerName accepts a host name, with a star as its first label at most.
func isServerName(name string) bool {
	name = strings.TrimPrefix(name, "*.")
	return name != "" && isHost(name) && !strings.ContainsAny(name, ":*")
}

// serverName is the form in which names are compared.
func serverName(name string) string {
	return strings.TrimSuffix(strings.ToLower(name), ".")
}

// files lists the pairs with absolute paths: the default one first, then those
// of SNI by name. The master and the processes must come to the same list, so
// it depends on nothing that only one user may see.
func (t *TLS) files(dir string) []Pair {
	var pairs []Pair
	if t.CertFile != "" {
		pairs = append(pairs, Pair{t.CertFile, t.KeyFile}.in(dir))
	}
	for _, name := range slices.Sorted(maps.Keys(t.SNI)) {
		if pair := t.SNI[name].in(dir); !slices.Contains(pairs, pair) {
			pairs = append(pairs, pair)
		}
	}
	return pairs
}

// in makes the paths of a pair absolute and fills an empty KeyFile.
func (p Pair) in(dir string) Pair {
	if p.KeyFile == "" {
		p.KeyFile = p.CertFile
	}
	return Pair{absolute(dir, p.CertFile), absolute(dir, p.KeyFile)}
}

// absolute asks the kernel for the working directory and not the environment,
// as os.Getwd does: what that may say depends on the user.
func absolute(dir, path string) string {
	if filepath.IsAbs(path) {
		return filepath.Clean(path)
	}
	if dir == "" {
		// Without a working directory the path stays relative, and the
		// master says that there is no such file.
		dir, _ = unix.Getwd()
	}
	return filepath.Join(dir, path)
}
