"""How long from an attack's last line until its incident is in the API: bench_latency.py API TCP PASSWORD ATTACKS

Sends one brute force at a time (six failed logins of one account from one address) beside whatever load there is,
and asks the API for its incident every 20 ms. Prints the median, the 99th percentile and the maximum."""
import datetime, http.cookiejar, json, socket, sys, time, urllib.parse, urllib.request

api, tcp, password, attacks = sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])
opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar()))
sign_in = json.dumps({"username": "admin", "password": password}).encode()
opener.open(urllib.request.Request(f"http://{api}/api/v1/session", sign_in, {"Content-Type": "application/json"}))
host, port = tcp.rsplit(":", 1)
device = socket.create_connection((host, int(port)))
found = []
for attack in range(attacks):
    address = f"2001:db8::{attack + 1:x}"
    now = datetime.datetime.now(datetime.timezone.utc).isoformat()
    line = f"<86>1 {now} may-do sshd %d - - Failed password for do{attack} from {address} port %d ssh2\n"
    device.sendall("".join(line % (100 + n, 40000 + n) for n in range(6)).encode())
    begin = time.monotonic()
    while True:
        answer = opener.open(f"http://{api}/api/v1/incidents?q={urllib.parse.quote(address)}&limit=5")
        items = json.load(answer)["items"]
        if any(entity["name"] == address for item in items for entity in item["entities"]):
            break
        if time.monotonic() - begin > 30:
            sys.exit(f"no incident of {address} after 30 s")
        time.sleep(0.02)
    found.append(time.monotonic() - begin)
found.sort()
at = lambda share: found[min(len(found) - 1, int(len(found) * share))]
print(f"{attacks} attacks: median {at(0.5):.2f} s, 99th percentile {at(0.99):.2f} s, maximum {found[-1]:.2f} s")
