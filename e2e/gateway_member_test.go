package e2e

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"testing"
	"time"
)

// member is a websocket client of the app cluster. What comes is read by a
// goroutine, which ends with the connection.
type member struct {
	t    testing.TB
	conn *client
	id   string     // its client id, after whoami
	in   chan reply // closed when the connection is
	err  error      // why it closed; set before in is closed
	next int        // number of the next question
}

// reply is what the app sends; which fields it has depends on the command.
type reply struct {
	Command string          `json:"c"`
	Number  int             `json:"n"`
	Text    string          `json:"m"`
	From    string          `json:"from"`
	ID      string          `json:"id"`
	IDs     []string        `json:"ids"`
	Count   int             `json:"count"`
	Size    int             `json:"size"`
	PID     int             `json:"pid"`
	Sees    bool            `json:"sees"`
	Online  bool            `json:"online"`
	Error   string          `json:"error"`
	Value   json.RawMessage `json:"value"`
}

// ask is what a member sends.
type ask map[string]any

// closedError is a close frame of the server.
type closedError struct {
	code   int
	reason string
}

func (e closedError) Error() string { return fmt.Sprintf("close frame %d %q", e.code, e.reason) }

// joinCluster connects, shakes hands and leaves at the end of the test.
func joinCluster(t testing.TB, address string) *member {
	t.Helper()
	m := &member{t: t, conn: newWebsocket(t, address), in: make(chan reply, 4096)}
	m.conn.conn.SetDeadline(time.Time{})
	go m.read()
	return m
}

// read ends with the connection.
func (m *member) read() {
	defer close(m.in)
	for {
		opcode, body, err := m.conn.frame()
		switch {
		case err != nil:
			m.err = err
			return
		case opcode == 8 && len(body) >= 2:
			m.err = closedError{int(binary.BigEndian.Uint16(body)), string(body[2:])}
			return
		case opcode != 1:
			m.err = fmt.Errorf("opcode %d", opcode)
			return
		}
		var r reply
		if err := json.Unmarshal(body, &r); err != nil {
			m.err = fmt.Errorf("message %q: %w", body, err)
			return
		}
		m.in <- r
	}
}

// send writes one masked text frame.
func (m *member) send(a ask) error {
	text, err := json.Marshal(a)
	if err != nil {
		return err
	}
	m.conn.conn.SetWriteDeadline(time.Now().Add(replyLimit))
	_, err = m.conn.conn.Write(maskedText(text))
	return err
}

// maskedText is a text frame of a client; the mask is zero, so the bytes stay.
func maskedText(text []byte) []byte {
	frame := []byte{0x81}
	if len(text) < 126 {
		frame = append(frame, 0x80|byte(len(text)))
	} else {
		frame = append(frame, 0x80|126)
		frame = binary.BigEndian.AppendUint16(frame, uint16(len(text)))
	}
	frame = append(frame, 0, 0, 0, 0)
	return append(frame, text...)
}

// answer sends a question under a number of its own and waits for the answer;
// what else comes before it is dropped.
func (m *member) answer(a ask) (reply, error) { return m.answerWithin(eventLimit, a) }

func (m *member) answerWithin(limit time.Duration, a ask) (reply, error) {
	m.next++
	a["n"] = m.next
	if err := m.send(a); err != nil {
		return reply{}, err
	}
	return m.waitWithin(limit, fmt.Sprintf("answer to %v", a), func(r reply) bool {
		return r.Command == a["c"] && r.Number == m.next
	})
}

// wait takes what comes until ok says yes of it.
func (m *member) wait(what string, ok func(reply) bool) (reply, error) {
	return m.waitWithin(eventLimit, what, ok)
}

func (m *member) waitWithin(
	limit time.Duration, what string, ok func(reply) bool,
) (reply, error) {
	late := time.After(limit)
	for {
		select {
		case r, open := <-m.in:
			if !open {
				return reply{}, fmt.Errorf("%s: %w", what, m.err)
			}
			if ok(r) {
				return r, nil
			}
		case <-late:
			return reply{}, fmt.Errorf("%s: nothing after %v", what, limit)
		}
	}
}

// mustAnswer is answer for a test that cannot go on without it.
func (m *member) mustAnswer(a ask) reply {
	m.t.Helper()
	r, err := m.answer(a)
	if err != nil {
		m.t.Fatal(err)
	}
	if r.Error != "" {
		m.t.Fatalf("answer to %v: error %q", a, r.Error)
	}
	return r
}

// mustPush waits for a push with the text.
func (m *member) mustPush(text string) {
	m.t.Helper()
	_, err := m.wait("push "+text, func(r reply) bool {
		return r.Command == "push" && r.Text == text
	})
	if err != nil {
		m.t.Fatal(err)
	}
}

// whoami asks for the client id once.
func (m *member) whoami() string {
	m.t.Helper()
	if m.id == "" {
		m.id = m.mustAnswer(ask{"c": "whoami"}).ID
	}
	return m.id
}

// mustClose waits until the server has closed the connection and returns why.
func (m *member) mustClose() error {
	m.t.Helper()
	_, err := m.wait("close", func(reply) bool { return false })
	select {
	case _, open := <-m.in:
		if !open {
			return m.err
		}
	default:
	}
	m.t.Fatal(err)
	return nil
}

// askLine is a question over a text connection; what is pushed before the answer
// is passed over.
func askLine(c *client, a ask) (reply, error) {
	text, err := json.Marshal(a)
	if err != nil {
		return reply{}, err
	}
	line, err := c.line(string(text), replyLimit)
	for err == nil {
		var r reply
		if err = json.Unmarshal([]byte(line), &r); err != nil || r.Command == a["c"] {
			return r, err
		}
		line, err = c.in.ReadString('\n')
	}
	return reply{}, err
}

// lineReply asks over a text connection of the cluster; what is pushed before the
// answer is passed over.
func lineReply(t testing.TB, c *client, a ask) reply {
	t.Helper()
	r, err := askLine(c, a)
	if err != nil {
		t.Fatal(err)
	}
	return r
}
