package listen

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func TestListenerMakesAPlainSharedSocket(t *testing.T) {
	for _, host := range []string{"127.0.0.1:0", "localhost:0", ":0", "*:0", "0.0.0.0:0"} {
		t.Run(host, func(t *testing.T) {
			fd := mustListen(t, host)
			if err := isOpenListener(fd); err != nil {
				t.Error(err)
			}
			_, port := where(t, fd)
			dial(t, "127.0.0.1:"+port)
		})
	}
}

func TestListenerOfIPv6(t *testing.T) {
	needIPv6(t)
	t.Run("any address takes IPv4 too", func(t *testing.T) {
		fd := mustListen(t, "[::]:0")
		if err := isOpenListener(fd); err != nil {
			t.Error(err)
		}
		_, port := where(t, fd)
		dial(t, "127.0.0.1:"+port)
		dial(t, "[::1]:"+port)
	})
	t.Run("loopback", func(t *testing.T) {
		at, _ := where(t, mustListen(t, "[::1]:0"))
		dial(t, at)
	})
	t.Run("mapped IPv4 is IPv4", func(t *testing.T) {
		at, _ := where(t, mustListen(t, "[::ffff:127.0.0.1]:0"))
		if !strings.HasPrefix(at, "127.0.0.1:") {
			t.Errorf("listens at %s, want 127.0.0.1", at)
		}
	})
	t.Run("unknown interface", func(t *testing.T) {
		_, err := Open(Address{Network: "tcp", Host: "[fe80::1%nosuch0]:0"})
		checkError(t, err, `listen tcp [fe80::1%nosuch0]:0: no interface "nosuch0"`, 0)
	})
}

func TestAcceptedSocketsInheritOptions(t *testing.T) {
	fd := mustListen(t, "127.0.0.1:0")
	at, _ := where(t, fd)
	dial(t, at)
	accepted, _, err := unix.Accept4(fd, unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC)
	must(t, err)
	defer unix.Close(accepted)
	tests := []struct {
		name             string
		level, opt, want int
	}{
		{"keepalive", unix.SOL_SOCKET, unix.SO_KEEPALIVE, 1},
		{"nodelay", unix.IPPROTO_TCP, unix.TCP_NODELAY, 1},
		{"keepidle", unix.IPPROTO_TCP, unix.TCP_KEEPIDLE, 55},
		{"keepintvl", unix.IPPROTO_TCP, unix.TCP_KEEPINTVL, 55},
		{"keepcnt", unix.IPPROTO_TCP, unix.TCP_KEEPCNT, 1},
	}
	for _, tt := range tests {
		got, err := unix.GetsockoptInt(accepted, tt.level, tt.opt)
		if err != nil || got != tt.want {
			t.Errorf("%s is %d (%v), want %d", tt.name, got, err, tt.want)
		}
	}
}

func TestBacklogIsGivenToTheKernel(t *testing.T) {
	lis, err := Open(Address{Network: "tcp", Host: "127.0.0.1:0", Backlog: 7})
	if err != nil {
		t.Fatal(err)
	}
	defer lis.Close()
	fd := lis.FD
	info, err := unix.GetsockoptTCPInfo(fd, unix.IPPROTO_TCP, unix.TCP_INFO)
	must(t, err)
	if info.Sacked != 7 { // that field holds the backlog of a listening socket
		t.Errorf("backlog %d, want 7", info.Sacked)
	}
}

func TestListenAgainAtOnceAfterClose(t *testing.T) {
	lis, err := Open(Address{Network: "tcp", Host: "127.0.0.1:0"})
	if err != nil {
		t.Fatal(err)
	}
	fd := lis.FD
	at, _ := where(t, fd)
	client := dial(t, at)
	accepted, _, err := unix.Accept(fd)
	must(t, err)
	unix.Close(accepted) // this side closes first: its port is in TIME_WAIT
	client.Close()
	unix.Close(fd)
	mustListen(t, at)
}

func TestListenerPortInUse(t *testing.T) {
	at, port := where(t, mustListen(t, "127.0.0.1:0"))
	for _, host := range []string{at, "localhost:" + port, "0.0.0.0:" + port} {
		_, err := Open(Address{Network: "tcp", Host: host})
		checkError(t, err, "listen tcp "+host+": address already in use by this service",
			unix.EADDRINUSE)
	}
}

func TestListenerRefuses(t *testing.T) {
	tests := []struct {
		name, network, host, want string
		errno                     unix.Errno
	}{
		{"foreign address", "tcp", "203.0.113.1:0", "cannot assign requested address",
			unix.EADDRNOTAVAIL},
		{"no port", "tcp", "127.0.0.1", "missing port in address", 0},
		{"bare IPv6", "tcp", "::1:80", "too many colons in address", 0},
		{"port with letters", "tcp", "127.0.0.1:http",
			`port "http" is not a number from 0 to 65535`, 0},
		{"port too high", "tcp", "127.0.0.1:65536",
			`port "65536" is not a number from 0 to 65535`, 0},
		{"another network", "sctp", "127.0.0.1:0", "unknown network", 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			lis, err := Open(Address{Network: tt.network, Host: tt.host})
			want := fmt.Sprintf("listen %s %s: %s", tt.network, tt.host, tt.want)
			checkError(t, err, want, tt.errno)
			if lis != nil {
				t.Errorf("got %+v beside the error", lis)
			}
		})
	}
}

func TestListenerLooksNoNameUp(t *testing.T) {
	_, err := Open(Address{Network: "tcp", Host: "wm.test.:80"})
	checkError(t, err, `listen tcp wm.test.:80: "wm.test." is no IP address`, 0)
}

func TestLowPortWithoutPrivilege(t *testing.T) {
	needRoot(t) // to have a privilege that can be given up
	limit, err := os.ReadFile("/proc/sys/net/ipv4/ip_unprivileged_port_start")
	if err != nil || strings.TrimSpace(string(limit)) != "1024" {
		t.Skip("low ports are free for all here")
	}
	withoutNetBind(t, func() {
		lis, err := Open(Address{Network: "tcp", Host: "127.0.0.1:1023"})
		checkError(t, err, "listen tcp 127.0.0.1:1023: permission denied "+
			"(a port below 1024 needs root or CAP_NET_BIND_SERVICE)", unix.EACCES)
		if err == nil {
			lis.Close()
		}
	})
}

// isOpenListener tells what is wrong with fd as a listener to be shared: it
// must listen, not block, be plain TCP, and not survive an exec by itself.
func isOpenListener(fd int) error {
	option := func(name int) int {
		value, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, name)
		if err != nil {
			return -1
		}
		return value
	}
	if got := option(unix.SO_ACCEPTCONN); got != 1 {
		return fmt.Errorf("descriptor %d: SO_ACCEPTCONN %d, want 1", fd, got)
	}
	if got := option(unix.SO_PROTOCOL); got != unix.IPPROTO_TCP {
		return fmt.Errorf("descriptor %d: protocol %d, want %d", fd, got, unix.IPPROTO_TCP)
	}
	status, err := unix.FcntlInt(uintptr(fd), unix.F_GETFL, 0)
	if err != nil || status&unix.O_NONBLOCK == 0 {
		return fmt.Errorf("descriptor %d: status flags %#x (%v), want O_NONBLOCK", fd, status, err)
	}
	own, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0)
	if err != nil || own&unix.FD_CLOEXEC == 0 {
		return fmt.Errorf("descriptor %d: flags %#x (%v), want FD_CLOEXEC", fd, own, err)
	}
	return nil
}

// mustOpen opens a socket that is closed when the test ends.
func mustOpen(t *testing.T, a Address) *Socket {
	t.Helper()
	s, err := Open(a)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

func mustListen(t *testing.T, host string) int {
	t.Helper()
	return mustOpen(t, Address{Network: "tcp", Host: host}).FD
}

// where is the address at which fd really listens, with its port.
func where(t *testing.T, fd int) (address, port string) {
	t.Helper()
	sockaddr, err := unix.Getsockname(fd)
	must(t, err)
	var at netip.AddrPort
	switch a := sockaddr.(type) {
	case *unix.SockaddrInet4:
		at = netip.AddrPortFrom(netip.AddrFrom4(a.Addr), uint16(a.Port))
	case *unix.SockaddrInet6:
		at = netip.AddrPortFrom(netip.AddrFrom16(a.Addr), uint16(a.Port))
	}
	return at.String(), strconv.Itoa(int(at.Port()))
}

func dial(t *testing.T, address string) net.Conn {
	t.Helper()
	conn, err := net.DialTimeout("tcp", address, 5*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

func needIPv6(t *testing.T) {
	t.Helper()
	probe, err := net.Listen("tcp", "[::1]:0")
	if err != nil {
		t.Skipf("no IPv6 here: %v", err)
	}
	probe.Close()
}

// withoutNetBind runs fn on a thread that may not bind low ports. The thread
// ends with its goroutine, which stays locked to it.
func withoutNetBind(t *testing.T, fn func()) {
	t.Helper()
	done := make(chan struct{})
	go func() { // ends with fn
		defer close(done)
		runtime.LockOSThread()
		header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
		var data [2]unix.CapUserData
		if err := unix.Capget(&header, &data[0]); err != nil {
			t.Errorf("capabilities: %v", err)
			return
		}
		data[0].Effective &^= 1 << unix.CAP_NET_BIND_SERVICE
		if err := unix.Capset(&header, &data[0]); err != nil {
			t.Errorf("capabilities: %v", err)
			return
		}
		fn()
	}()
	<-done
}

func needRoot(t *testing.T) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("needs root")
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// checkError wants an error of that text that wraps errno, unless that is 0.
func checkError(t *testing.T, err error, want string, errno unix.Errno) {
	t.Helper()
	if err == nil || err.Error() != want {
		t.Fatalf("error %v\nwant  %s", err, want)
	}
	if errno != 0 && !errors.Is(err, errno) {
		t.Errorf("error %q does not wrap %q", err, errno)
	}
}
