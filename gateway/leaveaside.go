package gateway

import (
	"context"
	"io"
	"net"
	"time"

	"github.com/workerman-go/wm/gateway/wire"
	"github.com/workerman-go/wm/worker"
)

// deliver sends what the handlers of late events have sent to a Gateway whose link
// has ended: over a connection as those of the API have (wire.md 2.12). The drain
// of the process waits for it.
func (l *uplink) deliver() {
	packets := append(clientLogin(l.t.p.b.SecretKey), l.farewell.aside...)
	l.farewell.aside = nil
	address, limit := l.address, l.t.p.b.stopTimeout()/10
	worker.Go(context.Background(), func(ctx context.Context) (struct{}, error) {
		return struct{}{}, sendAside(address, packets, limit)
	}, func(_ struct{}, err error) {
		if err != nil {
			worker.Log("BusinessWorker: %d bytes for Gateway %s are lost: %v",
				len(packets), address, err)
		}
	})
}

// sendAside returns when the Gateway has read everything, and so has closed.
func sendAside(address string, packets []byte, limit time.Duration) error {
	conn, err := net.DialTimeout("tcp", address, limit)
	if err != nil {
		return err
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(limit)); err != nil {
		return err
	}
	if _, err := conn.Write(packets); err != nil {
		return err
	}
	if err := conn.(*net.TCPConn).CloseWrite(); err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, conn)
	return err
}

// clientLogin is what a client of the API says first.
func clientLogin(secret string) []byte {
	body := wire.ClientHello{Secret: secret}.Append(nil)
	pk := wire.Packet{Command: wire.GatewayClientConnect, Flag: wire.Scalar, Body: body}
	return pk.Append(nil)
}
