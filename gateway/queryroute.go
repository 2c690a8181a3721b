package gateway

import (
	"bytes"
	"context"

	"github.com/workerman-go/wm/gateway/wire"
	"github.com/workerman-go/wm/worker"
)

// sender is a way for packets to one Gateway beside the links of a BusinessWorker: an
// own connection (socket), or none because the Gateway lives in this process
// (inProcess). It does not wait until the Gateway has done what a packet says.
type sender interface {
	send(ctx context.Context, packet []byte) error
}

// asker is a way for questions to one Gateway: socket or inProcess. It returns their
// serialised answers in order; nil for one that the Gateway is too old to know.
type asker interface {
	ask(ctx context.Context, questions []inquiry) ([][]byte, error)
}

// inquiry is a question as it goes to a Gateway.
type inquiry struct {
	packet []byte
	// newer says that an old Gateway does not know the question, and says nothing.
	// Its answer is an array, and the next question has an integer for an answer:
	// so it shows at once, and not after a timeout, who has not answered.
	newer bool
}

// inProcess is the way to a Gateway of this process. A socket to it would be read by the
// loop that waits for the answer.
type inProcess struct{ p *process }

func (l inProcess) send(ctx context.Context, packet []byte) error {
	_, err := l.do(ctx, packet)
	return err
}

func (l inProcess) ask(ctx context.Context, questions []inquiry) ([][]byte, error) {
	values := make([][]byte, len(questions))
	for i, q := range questions {
		value, err := l.do(ctx, q.packet)
		if err != nil {
			return nil, err
		}
		values[i] = value
	}
	return values, nil
}

// do executes a packet on the loop and returns what it is answered with: at once
// when this is the loop goroutine, else in the loop's next turn.
func (l inProcess) do(ctx context.Context, packet []byte) ([]byte, error) {
	pk, err := wire.Parse(packet)
	if err != nil {
		return nil, err
	}
	loop := worker.Loop()
	if loop == nil {
		return nil, ErrOffline
	}
	if loop.Owned() {
		return l.execute(pk), nil
	}
	done := make(chan []byte, 1) // has room: nobody may be there any more
	loop.Post(func() { done <- l.execute(pk) })
	select {
	case value := <-done:
		return value, nil
	case <-ctx.Done():
		return nil, late(ctx)
	}
}

func (l inProcess) execute(pk wire.Packet) (value []byte) {
	err := l.p.execute(pk, func(v []byte) { value = bytes.Clone(v) })
	if err != nil { // as when it had come over a socket
		l.p.logRarely("execute here", "Gateway %s: %v", l.p.g.Name, err)
	}
	return value
}
