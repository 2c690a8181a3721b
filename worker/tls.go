package worker

import "crypto/tls"

// TLS says which certificates are shown and which are accepted.
type TLS struct {
	CertFile, KeyFile string
	SNI               map[string]Pair
	Config            *tls.Config
}

// Pair is a certificate and its key.
type Pair struct{ CertFile, KeyFile string }
