package gateway

import (
	"context"
	"io"
	"net"
	"time"

	"github.com/workerman-go/wm/worker"
)

// deliver sends what the handlers of late events have sent to a Gateway whose link
// has ended: over a connection as those of the API have (wire.md 2.12). The drain
// of the process waits for it.
func (l *uplink) deliver() {
	packets := append(clientLogin(l.t.p.b.SecretKey), l.farewell.aside...)
	l.farewell.aside = nil
	address, until := l.address, l.t.p.leaving.until
	worker.Go(context.Background(), func(ctx context.Context) (struct{}, error) {
		return struct{}{}, sendAside(address, packets, until)
	}, func(_ struct{}, err error) {
		if err != nil {
			worker.Log("BusinessWorker: %d bytes for Gateway %s are lost: %v",
				len(packets), address, err)
		}
	})
}

// sendAside returns when the Gateway has read everything, and so has closed.
func sendAside(address string, packets []byte, until time.Time) error {
	d := net.Dialer{Deadline: until}
	conn, err := d.Dial("tcp", address)
	if err != nil {
		return err
	}
	defer conn.Close()
	if err := conn.SetDeadline(until); err != nil {
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
