package load

import "bytes"

// readSize is how much one read takes at most.
const readSize = 64 << 10

// expectation compares what comes with repetitions of one reply.
type expectation struct {
	reply   []byte
	same    int
	pattern []byte // replies, one after another, for any offset and any read
}

func expect(t Talk) expectation {
	times := readSize/len(t.Reply) + 2
	return expectation{t.Reply, t.Same, bytes.Repeat(t.Reply, times)}
}

// matches says whether chunk continues a stream of replies of which part bytes
// of the current one have come already.
func (e *expectation) matches(chunk []byte, part int) bool {
	want := e.pattern[part : part+len(chunk)]
	if bytes.Equal(chunk, want) {
		return true
	}
	if e.same == len(e.reply) {
		return false
	}
	for start := -part; start < len(chunk); start += len(e.reply) {
		from, to := max(start, 0), min(start+e.same, len(chunk))
		if from < to && !bytes.Equal(chunk[from:to], want[from:to]) {
			return false
		}
	}
	return true
}
