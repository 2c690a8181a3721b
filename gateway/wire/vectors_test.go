package wire

import (
	"encoding/hex"
	"encoding/json"
	"net/netip"
	"os"
	"testing"
)

// vectors is what PHP has written, see testdata/gateway/README.md.
type vectors struct {
	Packets []struct {
		Name   string
		Fields struct {
			Cmd          Command         `json:"cmd"`
			LocalIP      uint32          `json:"local_ip"`
			LocalPort    uint16          `json:"local_port"`
			ClientIP     uint32          `json:"client_ip"`
			ClientPort   uint16          `json:"client_port"`
			ConnectionID uint32          `json:"connection_id"`
			GatewayPort  uint16          `json:"gateway_port"`
			Ext          string          `json:"ext_data"`
			Body         json.RawMessage `json:"body"`
		}
		Hex         string
		DecodedFlag Flag `json:"decoded_flag"`
	}
	ClientIDs []struct {
		IP           string `json:"ip"`
		Port         uint16 `json:"port"`
		ConnectionID uint32 `json:"connection_id"`
		ClientID     string `json:"client_id"`
	} `json:"client_ids"`
}

func readVectors(t testing.TB) vectors {
	t.Helper()
	b, err := os.ReadFile("../../testdata/gateway/vectors.json")
	if err != nil {
		t.Fatal(err)
	}
	var v vectors
	if err := json.Unmarshal(b, &v); err != nil {
		t.Fatal(err)
	}
	if len(v.Packets) == 0 || len(v.ClientIDs) == 0 {
		t.Fatal("no vectors")
	}
	return v
}

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// frames are the bytes of all packets of the vectors and of the examples.
func frames(t testing.TB) map[string][]byte {
	t.Helper()
	all := make(map[string][]byte)
	for _, v := range readVectors(t).Packets {
		all[v.Name] = unhex(t, v.Hex)
	}
	for _, e := range examples(t) {
		all["example "+e.name] = e.frame
	}
	return all
}

func TestPacketsOfPHPAreReadAndWrittenAgain(t *testing.T) {
	for _, v := range readVectors(t).Packets {
		t.Run(v.Name, func(t *testing.T) {
			frame := unhex(t, v.Hex)
			if n, err := Length(frame, MaxPacketBytes); n != len(frame) || err != nil {
				t.Fatalf("length %d, %v of %d bytes", n, err, len(frame))
			}
			p, err := Parse(frame)
			if err != nil {
				t.Fatal(err)
			}
			f := v.Fields
			want := Packet{
				Command: f.Cmd, Flag: v.DecodedFlag, LocalIP: f.LocalIP, LocalPort: f.LocalPort,
				ClientIP: f.ClientIP, ClientPort: f.ClientPort, ConnectionID: f.ConnectionID,
				GatewayPort: f.GatewayPort, Ext: []byte(f.Ext), Body: p.Body,
			}
			if text, number := "", json.Number(""); v.DecodedFlag&Scalar != 0 {
				switch {
				case string(f.Body) == "null": // raw bytes, which JSON has no words for
				case json.Unmarshal(f.Body, &text) == nil:
					want.Body = []byte(text)
				case json.Unmarshal(f.Body, &number) == nil:
					want.Body = []byte(number)
				}
			}
			if !samePacket(p, want) {
				t.Errorf("read %+v\nwant %+v", p, want)
			}
			if got := want.Append(nil); string(got) != string(frame) {
				t.Errorf("wrote %x\n want %x", got, frame)
			}
			if p.Len() != len(frame) {
				t.Errorf("Len %d, want %d", p.Len(), len(frame))
			}
		})
	}
}

func samePacket(a, b Packet) bool {
	same := string(a.Ext) == string(b.Ext) && string(a.Body) == string(b.Body)
	head := func(p Packet) string { p.Ext, p.Body = nil, nil; return string(p.Append(nil)) }
	return same && head(a) == head(b)
}

// Whatever is missing at the end, there is no packet yet; and a frame that was cut
// where Length did not say so is no packet either, or an error.
func TestNoPacketIsSeenInAPartOfOne(t *testing.T) {
	for name, frame := range frames(t) {
		whole, err := Parse(frame)
		if err != nil {
			t.Fatal(name, err)
		}
		for cut := range frame {
			part := frame[:cut]
			if n, err := Length(part, MaxPacketBytes); err != nil || n != 0 && n <= cut {
				t.Fatalf("%s cut at %d: length %d, %v", name, cut, n, err)
			}
			if p, err := Parse(part); err == nil && cut < len(frame)-len(whole.Body) {
				t.Fatalf("%s cut at %d: %+v", name, cut, p)
			}
		}
	}
}

func TestLengthRefusesWhatIsNoPacket(t *testing.T) {
	for name, c := range map[string]struct {
		head string
		want error
	}{
		"nothing":        {"00000000", ErrShort},
		"below a header": {"0000001b", ErrShort},
		"too long":       {"00a00001", ErrLong},
		"absurd":         {"ffffffff", ErrLong},
	} {
		if n, err := Length(unhex(t, c.head), MaxPacketBytes); n != 0 || !isErr(err, c.want) {
			t.Errorf("%s: %d, %v, want %v", name, n, err, c.want)
		}
	}
	if n, err := Length(unhex(t, "00a00000"), MaxPacketBytes); n != MaxPacketBytes || err != nil {
		t.Errorf("the longest packet: %d, %v", n, err)
	}
}

func TestParseRefusesExtBeyondThePacket(t *testing.T) {
	p := Packet{Command: BindUID, Flag: Scalar, Ext: []byte("u1")}
	for _, length := range []string{"00000003", "7fffffff", "ffffffff"} {
		frame := p.Append(nil)
		copy(frame[24:], unhex(t, length))
		if _, err := Parse(frame); !isErr(err, ErrExt) {
			t.Errorf("ext of %s: %v, want %v", length, err, ErrExt)
		}
	}
}

func TestClientIDsOfPHP(t *testing.T) {
	for _, v := range readVectors(t).ClientIDs {
		b := netip.MustParseAddr(v.IP).As4()
		id := ClientID{
			IP:         uint32(b[0])<<24 | uint32(b[1])<<16 | uint32(b[2])<<8 | uint32(b[3]),
			Port:       v.Port,
			Connection: v.ConnectionID,
		}
		if got := id.String(); got != v.ClientID {
			t.Errorf("wrote %s, want %s", got, v.ClientID)
		}
		if got, err := ParseClientID(v.ClientID); got != id || err != nil {
			t.Errorf("read %+v, %v, want %+v", got, err, id)
		}
		want := netip.AddrPortFrom(netip.AddrFrom4(b), v.Port).String()
		if got := id.Address(); got != want {
			t.Errorf("address %s, want %s", got, want)
		}
	}
}

func TestParseClientIDRefuses(t *testing.T) {
	if id, err := ParseClientID("7F0000010B5400000007"); err != nil || id.Connection != 7 {
		t.Errorf("upper case: %+v, %v", id, err)
	}
	for _, s := range []string{"", "7f", "7f0000010b540000000", "7f0000010b54000000070",
		"7g0000010b5400000007", "7f0000010b54 0000007", "７f0000010b54000000"} {
		if id, err := ParseClientID(s); err == nil {
			t.Errorf("%q is %+v, want an error", s, id)
		}
	}
}
