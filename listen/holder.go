package listen

import (
	"bufio"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// maxLooked bounds how many descriptors of a process are looked at: a listener
// is among the first that a server opens.
const maxLooked = 1024

// maxLook bounds the look through /proc: the loop of the master takes it.
const maxLook = 2 * time.Second

// Holder is a process that has an address.
type Holder struct {
	PID  int // 0: it cannot be seen, it belongs to another user or a container
	Name string
}

// String names the process as messages do.
func (h Holder) String() string {
	switch {
	case h.PID == os.Getpid():
		return "this service"
	case h.PID == 0:
		return "a process that cannot be seen from here"
	}
	return fmt.Sprintf("pid %d (%s)", h.PID, h.Name)
}

// blame says who has the address that could not be bound.
func (a Address) blame(err error) error {
	if a.Brief || !errors.Is(err, unix.EADDRINUSE) {
		return err
	}
	return &InUseError{a.holders(), err}
}

// InUseError is an EADDRINUSE that names who is in the way.
type InUseError struct {
	Holders []Holder // this process alone, or the lowest pid first; none: nobody can be seen
	err     error
}

func (e *InUseError) Error() string { return fmt.Sprintf("%v by %v", e.err, e.By()) }

// By is the first of the holders, the most likely to have opened it.
func (e *InUseError) By() Holder {
	if len(e.Holders) == 0 {
		return Holder{}
	}
	return e.Holders[0]
}

// Unwrap returns what bind(2) said.
func (e *InUseError) Unwrap() error { return e.err }

// holders lists who has the socket that is in the way of a, this process first
// and then by pid: a master is older than its worker processes. On a machine
// with very many processes the later ones are not looked at.
func (a Address) holders() []Holder {
	began, inodes := time.Now(), a.inTheWay()
	if len(inodes) == 0 {
		return nil
	}
	if holdsAny("self", inodes) {
		return []Holder{{PID: os.Getpid()}}
	}
	var found []Holder
	for _, pid := range everyPid() {
		if time.Since(began) > maxLook {
			break
		}
		if holdsAny(strconv.Itoa(pid), inodes) {
			found = append(found, Holder{pid, commandName(pid)})
		}
	}
	return found
}

// inTheWay is the inodes of the sockets that keep a from being bound.
func (a Address) inTheWay() map[string]bool {
	switch a.Network {
	case "unix":
		return unixListeners(a.Host)
	case "tcp", "udp":
		address, err := ParseHost(a.Host)
		if err != nil {
			return nil
		}
		inodes := map[string]bool{}
		for _, table := range []string{a.Network, a.Network + "6"} {
			inetListeners(table, address, inodes)
		}
		return inodes
	}
	return nil
}

// inetListeners reads a table of /proc/net, in which those that listen come
// first: a server with many clients has a long one.
func inetListeners(table string, want netip.AddrPort, inodes map[string]bool) {
	const listening, unconnected = "0A", "07"
	for line := range linesOf("/proc/net/" + table) {
		// sl local_address rem_address st queues tr tm->when retrnsmt uid timeout inode
		words := strings.Fields(line)
		if len(words) < 10 || words[0] == "sl" {
			continue
		}
		if words[3] != listening && words[3] != unconnected {
			if strings.HasPrefix(table, "tcp") {
				return
			}
			continue
		}
		if at, err := parseKernelAddress(words[1]); err == nil && overlap(at, want) {
			inodes[words[9]] = true
		}
	}
}

// overlap tells whether two sockets cannot have these addresses both.
func overlap(a, b netip.AddrPort) bool {
	if a.Port() != b.Port() {
		return false
	}
	x, y := a.Addr().WithZone(""), b.Addr().WithZone("")
	return x == y || x.IsUnspecified() || y.IsUnspecified()
}

// parseKernelAddress reads "0100007F:1F90": an address is words of 32 bits, each
// the number that this machine sees in it.
func parseKernelAddress(text string) (netip.AddrPort, error) {
	host, service, _ := strings.Cut(text, ":")
	raw, err := hex.DecodeString(host)
	if err != nil {
		return netip.AddrPort{}, err
	}
	port, err := strconv.ParseUint(service, 16, 16)
	if err != nil {
		return netip.AddrPort{}, err
	}
	if len(raw)%4 != 0 {
		return netip.AddrPort{}, fmt.Errorf("%q is no address", text)
	}
	for word := range slices.Chunk(raw, 4) {
		binary.NativeEndian.PutUint32(word, binary.BigEndian.Uint32(word))
	}
	ip, ok := netip.AddrFromSlice(raw)
	if !ok {
		return netip.AddrPort{}, fmt.Errorf("%q is no address", text)
	}
	return netip.AddrPortFrom(ip.Unmap(), uint16(port)), nil
}

// listensAt tells whether a living socket listens at path.
func listensAt(path string) bool { return len(unixListeners(path)) > 0 }

// unixListeners is the inodes of the sockets that listen at path.
func unixListeners(path string) map[string]bool {
	const accepts = 1 << 16 // __SO_ACCEPTCON
	inodes := map[string]bool{}
	for line := range linesOf("/proc/net/unix") {
		// Num RefCount Protocol Flags Type St Inode Path
		fields := strings.Fields(line)
		if len(fields) < 8 || !atPath(line, path) {
			continue
		}
		if flags, err := strconv.ParseUint(fields[3], 16, 32); err == nil && flags&accepts != 0 {
			inodes[fields[6]] = true
		}
	}
	return inodes
}

// atPath tells whether a line of /proc/net/unix ends with path. A long one was
// bound through the descriptor of its folder.
func atPath(line, path string) bool {
	if len(path) > maxSocketPath {
		return strings.Contains(line, " /proc/self/fd/") &&
			strings.HasSuffix(line, "/"+filepath.Base(path))
	}
	return strings.HasSuffix(line, " "+path)
}

// Visible tells whether this process may see what pid has open: if not, pid may
// be the holder of an address that nobody is seen to have.
func Visible(pid int) bool {
	_, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", pid))
	return err == nil
}

// linesOf yields the lines of a file; none of one that cannot be read.
func linesOf(path string) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		file, err := os.Open(path)
		if err != nil {
			return
		}
		defer file.Close()
		for lines := bufio.NewScanner(file); lines.Scan(); {
			if !yield(lines.Text()) {
				return
			}
		}
	}
}

// holdsAny tells whether a process has one of the sockets open. One of another
// user cannot be looked at.
func holdsAny(pid string, inodes map[string]bool) bool {
	dir, err := os.Open("/proc/" + pid + "/fd")
	if err != nil {
		return false
	}
	defer dir.Close()
	names, _ := dir.Readdirnames(maxLooked)
	return slices.ContainsFunc(names, func(name string) bool {
		to, err := os.Readlink(dir.Name() + "/" + name)
		inode, isSocket := strings.CutPrefix(to, "socket:[")
		return err == nil && isSocket && inodes[strings.TrimSuffix(inode, "]")]
	})
}

// everyPid lists the processes that can be seen, the lowest first.
func everyPid() []int {
	dir, err := os.Open("/proc")
	if err != nil {
		return nil
	}
	defer dir.Close()
	names, _ := dir.Readdirnames(-1)
	var pids []int
	for _, name := range names {
		if pid, err := strconv.Atoi(name); err == nil {
			pids = append(pids, pid)
		}
	}
	slices.Sort(pids)
	return pids
}

// commandName is what ps calls a process.
func commandName(pid int) string {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/comm", pid))
	if err != nil {
		return "gone"
	}
	return strings.TrimSpace(string(text))
}
