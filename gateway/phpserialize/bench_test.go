package phpserialize

import (
	"fmt"
	"testing"
)

// benchSession is a session as a chat has it.
const benchSession = `a:4:{s:3:"uid";i:42;s:4:"name";s:5:"Alice";s:5:"rooms";` +
	`a:3:{i:0;s:5:"lobby";i:1;s:4:"news";i:2;s:2:"go";}s:4:"seen";d:1700000000.25;}`

// benchClients is the answer to a question for the sessions of 1,000 clients.
func benchClients() string {
	a := NewArray()
	for i := range 1000 {
		a.SetInt(int64(i+1), benchSession)
	}
	data, _ := Marshal(a)
	return string(data)
}

func benchValues() map[string]string {
	return map[string]string{"Session": benchSession, "1000clients": benchClients()}
}

func BenchmarkUnmarshal(b *testing.B) {
	for name, in := range benchValues() {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(in)))
			for b.Loop() {
				if _, err := UnmarshalReply(in); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkAppend(b *testing.B) {
	for name, in := range benchValues() {
		b.Run(name, func(b *testing.B) {
			v, err := Unmarshal(in)
			if err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			b.SetBytes(int64(len(in)))
			dst := make([]byte, 0, len(in))
			for b.Loop() {
				if _, err := Append(dst, v); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkMergeSession(b *testing.B) {
	update := `a:2:{s:4:"name";s:3:"Bob";s:4:"seen";d:1700000001.5;}`
	b.ReportAllocs()
	for b.Loop() {
		if _, err := MergeSession(benchSession, update); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkAppendJSON(b *testing.B) {
	v, err := Unmarshal(benchSession)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	dst := make([]byte, 0, 1024)
	for b.Loop() {
		if _, err := AppendJSON(dst, v); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkArrayGet(b *testing.B) {
	for _, n := range []int{4, 16, 17, 1000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			a := NewArray()
			for i := range n {
				a.Set(fmt.Sprint("key", i), i)
			}
			last := fmt.Sprint("key", n-1)
			b.ReportAllocs()
			for b.Loop() {
				if a.Get(last) == nil {
					b.Fatal("not found")
				}
			}
		})
	}
}
