package supervisor

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/workerman-go/wm/ipc"
	"github.com/workerman-go/wm/listen"
	"github.com/workerman-go/wm/rundir"
)

const (
	// expiresSoon is when check begins to warn of a certificate.
	expiresSoon = 14 * 24 * time.Hour
	// ownDescriptors is what a worker process needs beside its connections.
	ownDescriptors = 64
)

// checkFiles looks at the run directory and the files that a start opens.
func (c *checker) checkFiles() {
	s, set := c.s, c.s.settings
	if err := s.cfg.Dir.Usable(); err != nil {
		c.failed(err, "")
		return // what lies in it would fail for the same reason
	}
	const other = "choose another one with "
	if _, err := os.Stat(s.cfg.Dir.Path); err != nil {
		return // it would be made
	}
	pidFile := s.inRunDir(firstSet(s.cfg.PidFile, set.PidFile, s.cfg.Dir.PidFile))
	c.failed(rundir.CheckPidFile(pidFile), other+"--pid-file or Settings.PidFile")
	logFile := s.inRunDir(firstSet(s.cfg.LogFile, set.LogFile, s.cfg.Dir.LogFile))
	rotates, err := rundir.CheckLogFile(logFile)
	c.failed(err, other+"--log-file or Settings.LogFile")
	if err == nil && !rotates {
		text := fmt.Sprintf("log file %s cannot be rotated: its folder is not writable", logFile)
		c.warn(ipc.Spec{}, text, "rotate it by other means, or "+other+"--log-file")
	}
	if file := firstSet(s.cfg.StdoutFile, set.StdoutFile); c.scope.Daemon && file != "" {
		c.failed(rundir.CheckStdoutFile(s.inRunDir(file)), other+"--stdout-file or Settings.StdoutFile")
	}
}

// checkCertificates reads the files of a Worker and looks how long they are
// valid.
func (c *checker) checkCertificates(spec ipc.Spec) {
	for _, pair := range spec.Files {
		pairs := []ipc.KeyPair{pair}
		if err := c.s.tryCertificates(pairs); err != nil {
			c.workerFailed(spec, err,
				"put both files there, readable for the master's user, or correct TLS")
			continue
		}
		contents, err := readFiles(pairs)
		if err != nil {
			continue // it has gone this moment
		}
		if cert, err := tls.X509KeyPair(contents[pair.Cert], contents[pair.Key]); err == nil {
			c.checkExpiry(spec, pair.Cert, cert.Leaf)
		}
	}
}

func (c *checker) checkExpiry(spec ipc.Spec, file string, leaf *x509.Certificate) {
	now, ends := c.s.sys.now(), leaf.NotAfter
	day := ends.UTC().Format(time.DateOnly)
	switch {
	case now.Before(leaf.NotBefore):
		c.warn(spec, fmt.Sprintf("certificate file %s is not valid before %s", file,
			dayText(leaf.NotBefore)), "wait until then, or look at the clock")
	case now.After(ends):
		c.warn(spec, fmt.Sprintf("certificate file %s has expired on %s", file, day), "renew it")
	case ends.Sub(now) < expiresSoon:
		c.warn(spec, fmt.Sprintf("certificate file %s expires on %s", file, day), "renew it")
	}
}

// checkLimits compares what a Worker may need with what the kernel gives.
func (c *checker) checkLimits(spec ipc.Spec) {
	var files unix.Rlimit
	err := unix.Getrlimit(unix.RLIMIT_NOFILE, &files)
	if need := uint64(spec.Connections + ownDescriptors); err == nil &&
		spec.Connections > 0 && need > files.Cur {
		c.warn(spec, fmt.Sprintf("Limits.Connections is %d, but a process gets %d descriptors",
			spec.Connections, files.Cur), fmt.Sprintf("raise the limit: ulimit -n %d", need))
	}
	// The default is meant to be cut to what the machine gives.
	most := somaxconn()
	if spec.Network == "tcp" && spec.Backlog != listen.DefaultBacklog && most > 0 && spec.Backlog > most {
		c.warn(spec, fmt.Sprintf("Backlog is %d, which the kernel cuts to %d", spec.Backlog, most),
			fmt.Sprintf("sysctl net.core.somaxconn=%d", spec.Backlog))
	}
}

// checkFileLimit looks whether the master could reload the service.
func (c *checker) checkFileLimit(specs []ipc.Spec) {
	_, limit := c.s.sys.files()
	need, processes := masterFiles+roomToReplace, 0
	for _, spec := range specs {
		processes += spec.Count
		need += spec.Count * processFiles
		if spec.Network != "" {
			need += socketFiles(spec, 0)
		}
	}
	if need > limit {
		c.warn(ipc.Spec{}, fmt.Sprintf("the master needs about %d descriptors to reload %d "+
			"processes, but gets %d", need, processes, limit),
			fmt.Sprintf("raise the limit: ulimit -n %d, or LimitNOFILE of systemd", need))
	}
}

// somaxconn is the longest queue that the kernel allows; 0 if unknown.
func somaxconn() int {
	text, err := os.ReadFile("/proc/sys/net/core/somaxconn")
	if err != nil {
		return 0
	}
	n, _ := strconv.Atoi(strings.TrimSpace(string(text)))
	return n
}
