package gateway

import (
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"testing"
)

func TestNumbersWrapAndSkipThoseInUse(t *testing.T) {
	var table clients
	table.begin(0)
	first, second := table.add(nil), table.add(nil)
	table.last = math.MaxUint32 - 1
	var got []uint32
	for range 3 {
		got = append(got, table.add(nil).id)
	}
	if want := []uint32{math.MaxUint32, 3, 4}; !slices.Equal(got, want) {
		t.Errorf("numbers %v, want %v", got, want)
	}
	table.remove(first)
	table.last = math.MaxUint32
	if c := table.add(nil); c.id != 1 {
		t.Errorf("number %d after the first has gone, want 1", c.id)
	}
	if table.byID(second.id) != second || table.byID(0) != nil || table.byID(99) != nil {
		t.Error("byID finds others")
	}
}

func TestNumbersBeginAtRandom(t *testing.T) {
	seen := map[uint32]bool{}
	for range 8 {
		var table clients
		seen[table.add(nil).id] = true
	}
	if len(seen) < 4 {
		t.Errorf("8 tables began with %d numbers", len(seen))
	}
}

func TestOrderOfConnectingSurvivesRemovals(t *testing.T) {
	var table clients
	table.begin(10)
	var all []*client
	for range 6 {
		all = append(all, table.add(nil))
	}
	for _, i := range []int{0, 3, 5} {
		table.remove(all[i])
		table.remove(all[i]) // a second time does nothing
	}
	all = append(all, table.add(nil))
	if got := clientsNumbers(table.each()); got != "12 13 15 17" || table.len() != 4 {
		t.Errorf("clients %s, %d of them", got, table.len())
	}
}

// clientsNumbers prints numbers in order.
func clientsNumbers(each func(func(*client) bool)) string {
	var b strings.Builder
	for c := range each {
		fmt.Fprintf(&b, " %d", c.id)
	}
	return strings.TrimPrefix(b.String(), " ")
}

func TestClientsMayGoWhileTheyAreWalked(t *testing.T) {
	for _, goes := range []int{0, 1, 2} { // the one before, itself, the next
		var table clients
		table.begin(0)
		var all []*client
		for range 5 {
			c := table.add(nil)
			table.join(c, []byte("g"))
			all = append(all, c)
		}
		var seen []uint32
		for c := range table.groups["g"].each() {
			seen = append(seen, c.id)
			if c.id == 3 {
				table.remove(all[1+goes])
			}
		}
		want := []uint32{1, 2, 3, 4, 5}
		if goes == 2 {
			want = []uint32{1, 2, 3, 5}
		}
		if !slices.Equal(seen, want) {
			t.Errorf("client %d went: saw %v, want %v", goes+2, seen, want)
		}
	}
}

func TestAllMayGoInAWalk(t *testing.T) {
	var table clients
	for range 10 {
		table.add(nil)
	}
	n := 0
	for range table.each() {
		if n++; n == 4 {
			for c := range table.each() {
				table.remove(c)
			}
		}
	}
	if n != 4 || table.len() != 0 || table.all.first != nil || table.all.last != nil {
		t.Errorf("saw %d, %d are left", n, table.len())
	}
}

// clientsIndexed is a client in many groups, so that they are indexed.
func TestClientInManyGroups(t *testing.T) {
	var table clients
	c := table.add(nil)
	var want []string
	rng := rand.New(rand.NewPCG(1, 2))
	for range 2000 {
		group := fmt.Sprint("g", rng.IntN(100))
		i := slices.Index(want, group)
		if rng.IntN(3) == 0 {
			table.leave(c, []byte(group))
			if i >= 0 {
				want = slices.Delete(want, i, i+1)
			}
			continue
		}
		table.join(c, []byte(group))
		if i < 0 {
			want = append(want, group)
		}
		var got []string
		for m := range c.groups.each((*membership).inClient) {
			got = append(got, m.set.name)
		}
		if !slices.Equal(got, want) {
			t.Fatalf("groups %v, want %v", got, want)
		}
	}
	if c.index == nil || len(c.index) != len(want) {
		t.Errorf("%d groups, %d of them indexed", len(want), len(c.index))
	}
	table.remove(c)
	if len(table.groups) != 0 || table.listed.n != 0 {
		t.Errorf("left behind: %v", slices.Collect(maps.Keys(table.groups)))
	}
}

// A process with 15,000 idle websocket clients has 2 KB for each; a connection takes
// about half of it.
func TestClientsTakeLittleMemory(t *testing.T) {
	const many, most = 15000, 500
	for _, perGroup := range []int{1000, 1} {
		var table clients
		uid, group := func(i int) []byte { return fmt.Appendf(nil, "uid-%08d", i) },
			func(i int) []byte { return fmt.Appendf(nil, "group-%06d", i) }
		before := clientsHeap()
		for i := range many {
			c := table.add(nil)
			table.bind(c, uid(i))
			table.join(c, group(i/perGroup))
			table.join(c, group(many+i/perGroup))
		}
		each := (clientsHeap() - before) / many
		t.Logf("%d bytes for a client, %d clients to a group", each, perGroup)
		if perGroup > 1 && each > most {
			t.Errorf("%d bytes for a client, want at most %d", each, most)
		}
		if table.len() != many {
			t.Fatal(table.len())
		}
	}
}

// clientsHeap is what is in use.
func clientsHeap() uint64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
