package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// overTCP are the Workers of the service that have a port for streams; unix
// and udp are the other ones.
var overTCP = []string{
	"text", "frame", "websocket", "deflate", "wss", "http", "relay",
}

// processesOfEach Worker of the service.
const processesOfEach = 2

// service is the running service.
type service struct {
	dir       string
	env       []string
	addresses map[string]string // by Worker
	questions int
}

// startService builds and starts it in a directory of its own.
func startService(ctx context.Context) (s *service, err error) {
	s = &service{addresses: make(map[string]string)}
	if s.dir, err = os.MkdirTemp("", "wm-soak-"); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.RemoveAll(s.dir))
		}
	}()
	if err = s.build(ctx); err != nil {
		return nil, err
	}
	if err = s.certify(); err != nil {
		return nil, fmt.Errorf("make a certificate: %w", err)
	}
	if err = os.Mkdir(s.reports(), 0o700); err != nil {
		return nil, err
	}
	if err = s.chooseAddresses(); err != nil {
		return nil, err
	}
	_, err = s.command(ctx, "start", "-d")
	return s, err
}

func (s *service) program() string     { return filepath.Join(s.dir, "server") }
func (s *service) certificate() string { return filepath.Join(s.dir, "server.pem") }
func (s *service) reports() string     { return filepath.Join(s.dir, "reports") }

// build makes the program with the settings of a release: no race detector,
// no C.
func (s *service) build(ctx context.Context) error {
	cmd := exec.CommandContext(ctx, "go", "build", "-buildvcs=false", "-o", s.program(),
		"github.com/workerman-go/wm/bench/soak/server")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("build the service: %w\n%s", err, out)
	}
	return nil
}

// chooseAddresses takes ports that nobody uses now.
func (s *service) chooseAddresses() error {
	s.addresses["unix"] = filepath.Join(s.dir, "text.sock")
	udp, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		return err
	}
	defer udp.Close()
	s.addresses["udp"] = udp.LocalAddr().String()
	for _, name := range overTCP {
		ln, err := net.Listen("tcp4", "127.0.0.1:0")
		if err != nil {
			return err
		}
		defer ln.Close() // not before all are chosen, so that they differ
		s.addresses[name] = ln.Addr().String()
	}
	var listen []string
	for name, address := range s.addresses {
		listen = append(listen, name+"="+address)
	}
	s.env = append(os.Environ(), "WM_RUN_DIR="+s.dir, "SOAK_LISTEN="+strings.Join(listen, " "),
		"SOAK_REPORTS="+s.reports(), "SOAK_CERTIFICATE="+s.certificate(),
		"SOAK_RELAY_TO="+s.addresses["text"])
	return nil
}

// certify makes the certificate of wss.
func (s *service) certify() error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1),
		NotAfter:     time.Now().Add(24 * time.Hour),
		DNSNames:     []string{"localhost"},
	}
	certificate, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return err
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return err
	}
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate})
	text = append(text, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private})...)
	return os.WriteFile(s.certificate(), text, 0o600)
}

// command runs one command of the program and returns its output. It may be
// called by any goroutine.
func (s *service) command(ctx context.Context, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, s.program(), args...)
	cmd.Env, cmd.Dir = s.env, s.dir
	var errs strings.Builder
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil {
		err = fmt.Errorf("%s: %w\n%s%s", strings.Join(args, " "), err, out, &errs)
	}
	return out, err
}

// stop ends all processes; the directory stays when keep says so.
func (s *service) stop(keep bool) error {
	_, err := s.command(context.Background(), "stop")
	if keep {
		return err
	}
	return errors.Join(err, os.RemoveAll(s.dir))
}
