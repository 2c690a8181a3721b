package gateway

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/iotest"

	"github.com/workerman-go/wm/gateway/phpserialize"
	"github.com/workerman-go/wm/gateway/wire"
)

// echoGroup is an answer with the group that was asked about as a session.
const echoGroup = `a:1:{i:7;s:EXT;}`

func TestManyGoroutinesShareOneConnection(t *testing.T) {
	c, gateways := apiCluster(t, 1)
	g := gateways[0].on(wire.GetClientSessionsByGroup, echoGroup)
	var all sync.WaitGroup
	for i := range 20 {
		all.Go(func() {
			for n := range 10 {
				group := fmt.Sprintf("group %d of %d", n, i)
				list, err := c.ClientSessionsByGroup(context.Background(), group)
				if err != nil || len(list) != 1 || list[0].Session.ext != group {
					t.Errorf("%s: %v, %v", group, list, err)
				}
				if err := c.SendToAll(context.Background(), "x"); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	if n := len(g.opened); n != 1 {
		t.Errorf("%d connections", n)
	}
}

func TestFrozenGatewayIsMissing(t *testing.T) {
	c, gateways := apiCluster(t, 3)
	c.Timeout = apiShort
	frozen := gateways[1]
	for _, g := range gateways {
		if g != frozen {
			g.on(wire.GetClientCountByGroup, "i:2;")
		}
	}
	n, err := c.AllClientCount(context.Background())
	apiMissing(t, err, ErrTimeout, frozen.address)
	if n != 4 {
		t.Errorf("the others have %d clients", n)
	}
	if want := "Gateway " + frozen.address; !strings.Contains(err.Error(), want) {
		t.Errorf("%q does not name it", err)
	}
	apiNext(t, frozen.ended, "end of the connection")
	frozen.on(wire.GetClientCountByGroup, "i:1;")
	if n, err := c.AllClientCount(context.Background()); n != 5 || err != nil {
		t.Errorf("after it woke up: %d, %v", n, err)
	}
}

// A question that another one has taken the connection from is asked again.
func TestQuestionBehindALostOneIsAnswered(t *testing.T) {
	c, gateways := apiCluster(t, 1)
	g := gateways[0].on(wire.GetClientCountByGroup, "i:2;")
	g.hangs = make(chan struct{})
	ctx, cancel := context.WithCancel(context.Background())
	gone := make(chan error)
	go func() {
		_, err := c.IsOnline(ctx, g.id(1))
		gone <- err
	}()
	g.next()
	type result struct {
		n   int
		err error
	}
	counted := make(chan result)
	go func() {
		n, err := c.AllClientCount(context.Background())
		counted <- result{n, err}
	}()
	cancel()
	if err := apiNext(t, gone, "return of the cancelled call"); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	close(g.hangs)
	if r := apiNext(t, counted, "answer"); r.n != 2 || r.err != nil {
		t.Errorf("got %d, %v", r.n, r.err)
	}
}

func TestDeadlineOfTheContext(t *testing.T) {
	c, gateways := apiCluster(t, 2)
	gateways[0].on(wire.GetClientCountByGroup, "i:2;")
	ctx, cancel := context.WithTimeout(context.Background(), apiShort)
	defer cancel()
	n, err := c.AllClientCount(ctx)
	apiMissing(t, err, ErrTimeout, gateways[1].address)
	if n != 2 {
		t.Errorf("count %d", n)
	}
}

// A Gateway that was started anew: what goes out next must not go into the old
// connection.
func TestNothingIsSentIntoADeadConnection(t *testing.T) {
	c, gateways := apiCluster(t, 1)
	g, ctx := gateways[0], context.Background()
	for i := range 5 {
		message := fmt.Sprint("message ", i)
		if err := c.SendToAll(ctx, message); err != nil {
			t.Fatal(err)
		}
		if pk := g.next(); string(pk.Body) != message {
			t.Errorf("got %q", pk.Body)
		}
		g.hangUp()
	}
	if n := len(g.opened); n != 5 {
		t.Errorf("%d connections", n)
	}
}

func TestGatewayThatIsDown(t *testing.T) {
	c, gateways := apiCluster(t, 2)
	down := gateways[0]
	down.close()
	gateways[1].on(wire.GetClientCountByGroup, "i:2;")
	apiMissing(t, c.SendToAll(context.Background(), "x"), ErrOffline, down.address)
	if pk := gateways[1].next(); string(pk.Body) != "x" {
		t.Errorf("the other one got %q", pk.Body)
	}
	n, err := c.AllClientCount(context.Background())
	apiMissing(t, err, ErrOffline, down.address)
	if n != 2 {
		t.Errorf("count %d", n)
	}
	up := apiGatewayAt(t, down.address)
	if err := c.SendToAll(context.Background(), "again"); err != nil {
		t.Fatal(err)
	}
	up.next()
}

func TestBadAnswers(t *testing.T) {
	for name, answer := range map[string]string{
		"garbage": "hello", "empty": "", "wrong type": `s:1:"5";`, "negative": "i:-1;",
		"null": "N;", "cut": `a:1:{i:0;`, "float": "d:1;",
	} {
		t.Run(name, func(t *testing.T) {
			c, gateways := apiCluster(t, 2)
			gateways[0].on(wire.GetClientCountByGroup, answer)
			gateways[1].on(wire.GetClientCountByGroup, "i:4;")
			n, err := c.AllClientCount(context.Background())
			apiMissing(t, err, ErrBadAnswer, gateways[0].address)
			if n != 4 {
				t.Errorf("count %d", n)
			}
		})
	}
}

// Nothing of an answer that is bad somewhere is taken.
func TestPartOfABadAnswerIsNotTaken(t *testing.T) {
	c, gateways := apiCluster(t, 1)
	g, ctx := gateways[0], context.Background()
	for command, answer := range map[wire.Command]string{
		wire.GetClientIDByUID:         `a:2:{i:0;i:7;i:1;s:1:"x";}`,
		wire.GetClientSessionsByGroup: `a:2:{i:7;s:0:"";s:1:"x";s:0:"";}`,
		wire.Select:                   `a:2:{i:7;a:1:{s:3:"uid";s:1:"u";}i:4294967296;a:0:{}}`,
		wire.BatchGetClientIDByUID:    `a:1:{s:1:"u";a:2:{i:0;i:7;i:1;i:0;}}`,
	} {
		g.on(command, answer)
	}
	ids, err := c.ClientIDByUID(ctx, "u")
	apiMissing(t, err, ErrBadAnswer, g.address)
	sessions, err := c.ClientSessionsByGroup(ctx, "g")
	apiMissing(t, err, ErrBadAnswer, g.address)
	rows, err := c.Select(ctx, nil, Where{All: true})
	apiMissing(t, err, ErrBadAnswer, g.address)
	lists, err := c.BatchClientIDByUID(ctx, []string{"u"})
	apiMissing(t, err, ErrBadAnswer, g.address)
	if len(ids)+len(sessions)+len(rows)+len(lists["u"]) > 0 {
		t.Errorf("taken: %v %v %v %v", ids, sessions, rows, lists)
	}
}

func TestAnswersAreBounded(t *testing.T) {
	c, gateways := apiCluster(t, 1)
	c.MaxAnswer = 100
	g := gateways[0].on(wire.GetGroupIDList, "a:0:{}"+strings.Repeat(" ", 95))
	_, err := c.AllGroupIDList(context.Background())
	apiMissing(t, err, ErrTooLarge, g.address)
	g.on(wire.GetGroupIDList, "a:0:{}"+strings.Repeat(" ", 94))
	if _, err = c.AllGroupIDList(context.Background()); err != nil {
		t.Error(err)
	}
}

// What a length says takes no memory before the bytes come.
func TestReadAnswerTakesWhatThereIs(t *testing.T) {
	head := binary.BigEndian.AppendUint32(nil, 1<<30)
	value, err := readAnswer(bytes.NewReader(append(head, "abc"...)), 1<<31-1)
	if value != nil || !errors.Is(err, io.EOF) {
		t.Errorf("%q, %v", value, err)
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, _ = readAnswer(bytes.NewReader(append(head, "abc"...)), 1<<31-1)
	runtime.ReadMemStats(&after)
	allocated := after.TotalAlloc - before.TotalAlloc
	if allocated > 1<<20 {
		t.Errorf("%d bytes", allocated)
	}
}

func TestReadAnswerHoweverItIsCut(t *testing.T) {
	data := wire.AppendReply(wire.AppendReply(nil, []byte("i:1;")), []byte("a:0:{}"))
	for cut := range len(data) {
		r := io.MultiReader(bytes.NewReader(data[:cut]), bytes.NewReader(data[cut:]))
		for _, want := range []string{"i:1;", "a:0:{}"} {
			if got, err := readAnswer(r, 100); string(got) != want || err != nil {
				t.Fatalf("cut at %d: %q, %v", cut, got, err)
			}
		}
		if got, err := readAnswer(bytes.NewReader(data[:cut]), 100); cut < 8 && err == nil {
			t.Fatalf("cut at %d: %q", cut, got)
		}
	}
}

// Who says something unasked is not listened to.
func TestUnaskedAnswerEndsTheConnection(t *testing.T) {
	unasked := make(chan net.Conn, 10)
	ln := apiListen(t, "127.0.0.1:0", func(conn net.Conn) {
		r := bufio.NewReader(conn)
		for range 2 { // the hello, and what is sent
			_, _ = apiReadPacket(r)
		}
		unasked <- conn
		_, _ = conn.Write(wire.AppendReply(nil, []byte("i:1;")))
		_, _ = io.Copy(io.Discard, conn)
		unasked <- nil
	})
	c := apiClient(t, newAPIRegister(t, `["`+ln.address+`"]`))
	if err := c.SendToAll(context.Background(), "x"); err != nil {
		t.Fatal(err)
	}
	apiNext(t, unasked, "connection")
	apiNext(t, unasked, "end of it")
}

func TestOldGatewaysAreAskedOneByOne(t *testing.T) {
	c, gateways := apiCluster(t, 2)
	old, now := gateways[0], gateways[1] // old knows no batch commands
	old.on(wire.GetClientIDByUID, "a:1:{i:0;i:3;}").on(wire.GetClientCountByGroup, "i:2;")
	now.on(wire.BatchGetClientIDByUID, `a:2:{s:1:"u";a:1:{i:0;i:7;}i:5;a:0:{}}`)
	now.on(wire.BatchGetClientCountByGroup, `a:1:{s:1:"r";i:1;}`)
	ctx := context.Background()
	lists, err := c.BatchClientIDByUID(ctx, []string{"u", "5", "u"})
	if err != nil || !slices.Equal(lists["u"], []string{old.id(3), now.id(7)}) ||
		!slices.Equal(lists["5"], []string{old.id(3)}) {
		t.Errorf("lists %v, %v", lists, err)
	}
	if online, err := c.IsUIDsOnline(ctx, []string{"5"}); err != nil || !online["5"] {
		t.Errorf("online %v, %v", online, err)
	}
	counts, err := c.BatchClientCountByGroup(ctx, []string{"r"})
	if err != nil || counts["r"] != 3 {
		t.Errorf("counts %v, %v", counts, err)
	}
	var asked []wire.Command
	for range 8 {
		asked = append(asked, old.next().Command)
	}
	if !slices.Equal(asked, []wire.Command{
		wire.BatchGetClientIDByUID, wire.IsOnline, wire.GetClientIDByUID, wire.GetClientIDByUID,
		wire.GetClientIDByUID, // it is known to be old by now
		wire.BatchGetClientCountByGroup, wire.IsOnline, wire.GetClientCountByGroup,
	}) {
		t.Errorf("asked %v", asked)
	}
}

// However the bytes come, the same answers are read, and no more memory is taken
// than there are bytes.
func FuzzReadAnswer(f *testing.F) {
	f.Add(wire.AppendReply(wire.AppendReply(nil, []byte("i:1;")), []byte("a:0:{}")))
	f.Add([]byte{0, 0, 0, 0, 1})
	f.Add([]byte{255, 255, 255, 255, 1})
	f.Fuzz(func(t *testing.T, data []byte) {
		whole, single := io.Reader(bytes.NewReader(data)), iotest.OneByteReader(bytes.NewReader(data))
		for {
			a, err := readAnswer(whole, 1<<20)
			b, err2 := readAnswer(single, 1<<20)
			if !bytes.Equal(a, b) || (err == nil) != (err2 == nil) || len(a) > len(data) {
				t.Fatalf("%q, %v; byte by byte %q, %v", a, err, b, err2)
			}
			if err != nil {
				return
			}
		}
	})
}

// Whatever a Gateway answers, what is read of it are clients of that Gateway.
func FuzzAnswers(f *testing.F) {
	_, replies := apiVectors(f)
	for _, reply := range replies {
		f.Add([]byte(reply))
	}
	const address = "127.0.0.1:2900"
	f.Fuzz(func(t *testing.T, value []byte) {
		v, err := phpserialize.UnmarshalReply(value)
		if err != nil {
			return
		}
		var ids []string
		rows, _ := rowsOf(address, v)
		for _, row := range rows {
			ids = append(ids, row.ClientID)
		}
		sessions, _ := sessionsOf(address, v)
		for _, s := range sessions {
			ids = append(ids, s.ClientID)
			_ = s.Session.Err()
		}
		list, _ := clientIDs(address, v)
		for _, id := range append(ids, list...) {
			if at, err := wire.ParseClientID(id); err != nil || at.Address() != address ||
				at.Connection == 0 {
				t.Errorf("client id %q: %v", id, err)
			}
		}
	})
}

func TestAnswersThatAreNoCountAndNoClient(t *testing.T) {
	for _, c := range []struct {
		v    any
		want string
	}{
		{int64(1 << 32), "4294967296 is no"}, {int64(-1), "-1 is no"}, {nil, "null is no"},
		{"1", "a string is no"}, {true, "a bool is no"}, {1.5, "a float is no"},
		{phpserialize.NewArray(), "an array is no"},
	} {
		_, ofClients := count(c.v)
		_, ofOne := connectionID(c.v)
		for _, err := range []error{ofClients, ofOne} {
			if !errors.Is(err, ErrBadAnswer) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v: %v", c.v, err)
			}
		}
	}
}
