package gateway

import (
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"net/netip"
	"unicode/utf8"
)

// sameSecret compares in a time that says nothing of want, not even its length.
func sameSecret(got, want string) bool {
	a, b := sha256.Sum256([]byte(got)), sha256.Sum256([]byte(want))
	return subtle.ConstantTimeCompare(a[:], b[:]) == 1
}

// requireSecret refuses an inner port that others than this host can reach without
// a secret: whoever reaches it can read and send everything. host is what it listens
// on, without the port; an empty one is every address.
func requireSecret(host, secret string) error {
	if !utf8.ValidString(secret) {
		return errors.New("SecretKey is not UTF-8, and it travels as JSON")
	}
	if secret != "" || isLoopback(host) {
		return nil
	}
	if host == "" {
		host = "every address"
	}
	return fmt.Errorf("other hosts can reach %s, and there is no SecretKey: set one, the "+
		"same for every Register, Gateway, BusinessWorker and client, or listen on 127.0.0.1",
		host)
}

// isLoopback says that only this host reaches host.
func isLoopback(host string) bool {
	if host == "localhost" {
		return true
	}
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.Unmap().IsLoopback()
}
