/* The loop of ../main.go in C: cc -O2 -o floor floor.c */
#define _GNU_SOURCE
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

static int ep;

static int watch(int fd)
{
	struct epoll_event ev = {.events = EPOLLIN, .data.fd = fd};
	return epoll_ctl(ep, EPOLL_CTL_ADD, fd, &ev);
}

static int listen_on_loopback(void)
{
	struct sockaddr_in name = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t size = sizeof name;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	if (fd < 0 || bind(fd, (struct sockaddr *)&name, size) || listen(fd, 4096) ||
	    getsockname(fd, (struct sockaddr *)&name, &size))
		return -1;
	printf("127.0.0.1:%d\n", ntohs(name.sin_port));
	fflush(stdout);
	return fd;
}

static void accept_one(int listener)
{
	int one = 1, fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK);
	if (fd < 0)
		return;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	watch(fd);
}

int main(void)
{
	static struct epoll_event events[256];
	static char buf[64 << 10];
	int listener = listen_on_loopback();
	ep = epoll_create1(0);
	if (listener < 0 || ep < 0 || watch(listener) || watch(STDIN_FILENO)) {
		perror("floor");
		return 1;
	}
	for (;;) {
		int n = epoll_wait(ep, events, 256, -1);
		for (int i = 0; i < n; i++) {
			int fd = events[i].data.fd;
			if (fd == STDIN_FILENO)
				return 0;
			if (fd == listener) {
				accept_one(listener);
				continue;
			}
			ssize_t got = read(fd, buf, sizeof buf);
			if (got <= 0 || write(fd, buf, got) < 0)
				close(fd);
		}
	}
}
