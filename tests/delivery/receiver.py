"""The other side of a delivery: takes documents over TLS, keeps each, and writes a line for every request."""
import hashlib, json, signal, ssl, sys, threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

folder, port = Path(sys.argv[1]), int(sys.argv[2])
refused = set()


class Receiver(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        key = self.headers["idempotency-key"]
        # The first attempt of each second document meets a server that is not quite up yet.
        status = 503 if len(refused) < 3 and key not in refused else 200
        refused.add(key)
        line = {
            "key": key,
            "status": status,
            "type": self.headers["content-type"],
            "authorization": self.headers["authorization"],
            "sha256": hashlib.sha256(body).hexdigest(),
        }
        (folder / f"{key}.xml").write_bytes(body)
        with (folder / "received.jsonl").open("a") as out:
            out.write(json.dumps(line) + "\n")
        self.send_response(status)
        self.end_headers()
        self.wfile.write(b"da nhan" if status == 200 else b"")

    def log_message(self, *_):
        pass


class Server(ThreadingHTTPServer):
    daemon_threads = False  # what is under way is answered before the end, or nobody could count what arrived


server = Server(("127.0.0.1", port), Receiver)
signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown).start())
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(folder / "server.pem", folder / "server.key")
server.socket = context.wrap_socket(server.socket, server_side=True)
server.serve_forever()
server.server_close()
