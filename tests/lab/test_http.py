# SPDX-License-Identifier: BSD-2-Clause
"""HTTP as clients see it: ranges, conditions, listings, uploads, floods."""

import hashlib
import http.client
import os
import re
import socket
import subprocess
import threading
import time

import pytest

SERVING = rb"httpd: serving http://([0-9.]+)/"
BIG = bytes(range(256)) * 4096          # 1 MiB


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


@pytest.fixture
def web(lab, guest, disk, tmp_path):
    """A writable guest, its port on this machine, and its disk image."""
    folder = tmp_path / "www"
    (folder / "dir" / "a <b> & c").mkdir(parents=True)
    (folder / "dir" / "grüße.txt").write_text("hello\n")
    (folder / "big.bin").write_bytes(BIG)
    (folder / "sub").mkdir()
    (folder / "sub" / "index.html").write_text("<p>index</p>")
    image = tmp_path / "www.img"
    with open(image, "wb") as f:
        f.truncate(32 << 20)
    subprocess.run(["mke2fs", "-q", "-t", "ext4", "-d", folder, image],
                   check=True)
    new = guest("pvh", append="app=httpd root=xvda http.writable=1",
                disks=["phy:%s,xvda,w" % disk(image, readonly=False)])
    address = new.expect(SERVING, 90).group(1).decode()
    port = free_port()
    lab.forward(port, address)
    new.port, new.image = port, image
    yield new
    lab.unforward(port)


def ask(web, method, path, body=None, **headers):
    """One request: status, headers, body."""
    connection = http.client.HTTPConnection("127.0.0.1", web.port, timeout=300)
    try:
        connection.request(method, path, body, {
            name.replace("_", "-"): value for name, value in headers.items()})
        answer = connection.getresponse()
        return answer.status, answer.headers, answer.read()
    finally:
        connection.close()


def raw(web, data, seconds=120):
    """Send bytes, read until the guest ends the connection."""
    with socket.create_connection(("127.0.0.1", web.port), seconds) as s:
        s.sendall(data)
        said = b""
        while chunk := s.recv(65536):
            said += chunk
        return said


def check_files(web):
    """Whole files, parts of them, and what is not there."""
    status, headers, body = ask(web, "GET", "/big.bin")
    assert status == 200 and body == BIG
    etag, modified = headers["ETag"], headers["Last-Modified"]
    assert ask(web, "HEAD", "/big.bin")[1]["Content-Length"] == str(len(BIG))
    assert ask(web, "GET", "/big.bin", If_None_Match=etag)[0] == 304
    assert ask(web, "GET", "/big.bin", If_Modified_Since=modified)[0] == 304
    assert ask(web, "GET", "/nothing")[0] == 404
    assert ask(web, "GET", "/big.bin/")[0] == 404
    assert ask(web, "GET", "/sub/")[2] == b"<p>index</p>"


def check_ranges(web):
    def part(value, **headers):
        return ask(web, "GET", "/big.bin", Range="bytes=" + value, **headers)
    assert part("1000-1999")[2] == BIG[1000:2000]
    assert part("-5")[2] == BIG[-5:]
    status, headers, body = part("1048570-")
    assert (status, body) == (206, BIG[-6:])
    assert headers["Content-Range"] == "bytes 1048570-1048575/1048576"
    status, headers, _ = part("1048576-")
    assert status == 416 and headers["Content-Range"] == "bytes */1048576"
    assert part("9-1")[0] == 200
    assert part("0-1", If_Range='"other"')[0] == 200
    status, headers, body = part("0-1,10-12")
    assert status == 206 and "multipart/byteranges" in headers["Content-Type"]
    assert BIG[0:2] + b"\r\n" in body and BIG[10:13] + b"\r\n" in body


def check_directories(web):
    status, headers, _ = ask(web, "GET", "/dir")
    assert status == 301 and headers["Location"] == "/dir/"
    status, headers, body = ask(web, "GET", "/dir/")
    text = body.decode()
    assert status == 200 and "a &lt;b&gt; &amp; c/</a>" in text
    links = re.findall(r'href="\./([^"]*)"', text)
    assert links == ["../", "a%20%3Cb%3E%20%26%20c/", "gr%C3%BC%C3%9Fe.txt"]
    assert ask(web, "GET", "/dir/" + links[2])[2] == b"hello\n"


def check_bad_requests(web):
    """What is not HTTP gets its status, and the guest goes on."""
    for request, status in [
            (b"nonsense\r\n\r\n", 400),
            (b"GET / HTTP/1.1\r\n\r\n", 400),
            (b"GET /../etc HTTP/1.1\r\nHost: a\r\n\r\n", 400),
            (b"GET /%00 HTTP/1.1\r\nHost: a\r\n\r\n", 400),
            (b"GET / HTTP/3.0\r\nHost: a\r\n\r\n", 505),
            (b"BREW / HTTP/1.1\r\nHost: a\r\n\r\n", 501),
            (b"POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n"
             b"Content-Length: 3\r\n\r\nabc", 405),
            (b"GET /" + b"a" * 3000 + b" HTTP/1.1\r\nHost: a\r\n\r\n", 414),
            (b"GET / HTTP/1.1\r\nX: " + b"a" * 9000, 431),
            (b"PUT /x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", 411),
            (b"PUT /x HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n"
             b"Transfer-Encoding: chunked\r\n\r\n", 400)]:
        assert raw(web, request).startswith(b"HTTP/1.1 %d " % status), request
    assert ask(web, "GET", "/sub/")[0] == 200


def test_reading(web):
    """GET and HEAD, all that they can ask for."""
    check_files(web)
    check_ranges(web)
    check_directories(web)
    check_bad_requests(web)


def test_pipelining(web):
    """Requests that come at once are answered in order."""
    one = b"GET /%s HTTP/1.1\r\nHost: a\r\n%s\r\n"
    said = raw(web, one % (b"sub/", b"") + one % (b"nothing", b"") +
               one % (b"sub/", b"Connection: close\r\n"))
    assert re.findall(rb"HTTP/1.1 (\d+)", said) == [b"200", b"404", b"200"]


def test_many_clients(web):
    """More clients than there are places, one of them silent."""
    silent = socket.create_connection(("127.0.0.1", web.port), 300)
    good = []

    def client():
        good.append(ask(web, "GET", "/big.bin")[2] == BIG)

    threads = [threading.Thread(target=client) for _ in range(24)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    silent.close()
    assert good == [True] * 24


@pytest.mark.long
def test_closed_window(web):
    """Who takes nothing, but goes on to say so, is let go of in the end."""
    # More than what is in between takes.
    assert ask(web, "PUT", "/huge", BIG * 12)[0] == 201
    with socket.socket() as s:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        s.connect(("127.0.0.1", web.port))
        s.sendall(b"GET /huge HTTP/1.1\r\nHost: a\r\n\r\n")
        until = time.monotonic() + 240
        while "FIN_WAIT_1" not in web.sh("netstat"):
            assert time.monotonic() < until
            time.sleep(2)
        until = time.monotonic() + 90
        while "FIN_WAIT_1" in web.sh("netstat"):
            assert time.monotonic() < until
            time.sleep(2)
    assert ask(web, "GET", "/sub/")[0] == 200


def check_image(web, path, data):
    """The file in the disk image is this, and the image is sound."""
    assert web.shutdown() == "poweroff"
    subprocess.run(["e2fsck", "-fn", web.image], check=True)
    said = subprocess.run(["debugfs", "-R", "cat " + path, web.image],
                          check=True, stdout=subprocess.PIPE).stdout
    assert hashlib.sha256(said).digest() == hashlib.sha256(data).digest()
    names = subprocess.run(["debugfs", "-R", "ls /", web.image], check=True,
                           stdout=subprocess.PIPE).stdout
    assert b".domus-put" not in names


def test_writing(web):
    """PUT and DELETE; uploads that fail leave nothing behind."""
    data = os.urandom(3 << 20)
    assert ask(web, "PUT", "/new", data)[0] == 201
    assert ask(web, "GET", "/new")[2] == data
    assert ask(web, "PUT", "/new", data[::-1])[0] == 204
    assert ask(web, "PUT", "/dir/chunked", iter([b"abc", b"defg"]))[0] == 201
    assert ask(web, "GET", "/dir/chunked")[2] == b"abcdefg"
    assert ask(web, "PUT", "/no/such", b"x")[0] == 409
    assert ask(web, "PUT", "/dir", b"x")[0] == 409
    assert ask(web, "PUT", "/new", b"x", Content_Range="bytes 0-0/9")[0] == 400
    assert raw(web, b"PUT /huge HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r"
               b"\nContent-Length: 99999999\r\n\r\n").startswith(
                   b"HTTP/1.1 507 ")
    assert ask(web, "DELETE", "/sub/index.html")[0] == 204
    assert ask(web, "DELETE", "/sub/index.html")[0] == 404
    assert ask(web, "DELETE", "/dir/")[0] == 409
    with socket.create_connection(("127.0.0.1", web.port)) as s:
        s.sendall(b"PUT /cut HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n"
                  b"abc")
    time.sleep(1)
    assert ask(web, "GET", "/cut")[0] == 404
    with socket.create_connection(("127.0.0.1", web.port)) as s:
        s.sendall(b"PUT /cut HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n"
                  b"abc")
        time.sleep(1)
        check_image(web, "/new", data[::-1])


def test_read_only(guest, disk, site_image, lab):
    """Without http.writable=1 nothing can be changed."""
    new = guest("pvh", disks=["phy:%s,xvda,r" % disk(site_image)])
    address = new.expect(SERVING, 90).group(1).decode()
    new.port = free_port()
    lab.forward(new.port, address)
    assert ask(new, "PUT", "/new", b"x")[0] == 403
    assert ask(new, "DELETE", "/index.html")[0] == 403
    assert ask(new, "GET", "/index.html")[0] == 200
    lab.unforward(new.port)


def test_shell_commands(guest, lab):
    """ping, netstat, host; a fixed address."""
    new = guest("pv", append="app=shell ip=10.0.2.99/24,10.0.2.2")
    new.expect(rb"address 10.0.2.99/24 gateway 10.0.2.2 \(static\)", 60)
    assert "1 sent, 1 answered" in new.sh("ping 10.0.2.4 1")
    assert "usage" in new.sh("ping")
    assert "10.0.2.2 10.0.2.2" in new.sh("host 10.0.2.2")
    assert "10.0.2.99/24" in new.sh("interfaces xn0")
    assert "no interface xn7" in new.sh("interfaces xn7")
    assert "memory" in new.sh("netstat")
    lab.check("ping -c 1 -w 5 10.0.2.99")
