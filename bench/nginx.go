package main

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// errNoNginx leaves rows out that compare with it.
var errNoNginx = errors.New("nginx is not installed")

// nginxPatience is what it may take to answer for the first time.
const nginxPatience = 10 * time.Second

// nginx is the web server that ours is compared with, one process of it.
type nginx struct {
	command *exec.Cmd
	target
}

// nginxConfig has the settings of a new installation but for where things are,
// no log (ours writes none either), and connections that last: a client that
// is cut off after 1,000 requests would be an error here.
const nginxConfig = `daemon off;
%[1]sworker_processes 1;
pid nginx.pid;
error_log error.log;
events { worker_connections 1024; }
http {
	access_log off;
	sendfile on;
	keepalive_requests 1000000000;
	client_body_temp_path body;
	proxy_temp_path proxy;
	fastcgi_temp_path fastcgi;
	uwsgi_temp_path uwsgi;
	scgi_temp_path scgi;
	server {
		listen %[2]s;
		root %[3]s;
		location = /pid { return 200 $pid; }
	}
}
`

// nginxTarget starts nginx when it is first asked for.
func (l *lab) nginxTarget() (target, error) {
	if l.nginx != nil {
		return l.nginx.target, nil
	}
	program, err := findNginx()
	if err != nil {
		return target{}, err
	}
	address, err := freeAddress()
	if err != nil {
		return target{}, err
	}
	dir, err := os.MkdirTemp(l.dir, "nginx-")
	if err != nil {
		return target{}, err
	}
	user := ""
	if os.Geteuid() == 0 { // else its process becomes nobody, who cannot read the files
		user = "user root;\n"
	}
	config := filepath.Join(dir, "nginx.conf")
	text := fmt.Sprintf(nginxConfig, user, address, l.files())
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		return target{}, err
	}
	cmd := exec.Command(program, "-p", dir, "-c", config, "-e", filepath.Join(dir, "error.log"))
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		return target{}, err
	}
	l.nginx = &nginx{command: cmd, target: target{address: address}}
	if l.nginx.pid, err = nginxProcess(address); err != nil {
		return target{}, err
	}
	return l.nginx.target, l.pinServer(l.nginx.pid)
}

// findNginx also looks where the PATH of a user does not.
func findNginx() (string, error) {
	for _, name := range []string{"nginx", "/usr/sbin/nginx", "/usr/local/sbin/nginx"} {
		if program, err := exec.LookPath(name); err == nil {
			return program, nil
		}
	}
	return "", errNoNginx
}

// nginxProcess asks for the process that answers, until there is one.
func nginxProcess(address netip.AddrPort) (pid int, err error) {
	client := http.Client{Timeout: nginxPatience,
		Transport: &http.Transport{DisableKeepAlives: true}}
	for end := time.Now().Add(nginxPatience); ; time.Sleep(10 * time.Millisecond) {
		answer, err := client.Get("http://" + address.String() + "/pid")
		if err != nil {
			if time.Now().After(end) {
				return 0, fmt.Errorf("nginx: %w", err)
			}
			continue
		}
		text, err := io.ReadAll(answer.Body)
		answer.Body.Close()
		if err == nil {
			pid, err = strconv.Atoi(string(text))
		}
		return pid, err
	}
}

// stop ends it at once.
func (n *nginx) stop() error {
	return errors.Join(n.command.Process.Signal(unix.SIGTERM), n.command.Wait())
}
