"""OASIS's TAXII client works our server from discovery to delete; paging over objects added at one moment; filters."""
import sys, uuid
import requests
from taxii2client.common import TokenAuth
from taxii2client.v21 import ApiRoot, Collection, Server, as_pages

url, token = sys.argv[1:]
server = Server(url, user="doi-tac", password=token)
assert server.title, "the server has a name"
root = server.default
assert len(server.api_roots) == 1 and root.title
assert root.max_content_length > 0 and root.versions == ["application/taxii+json;version=2.1"]
by_title = {c.title: c for c in root.collections}
assert set(by_title) == {"Trao đổi", "Chỉ đọc", "Chỉ ghi"}, by_title
both, read_only, write_only = by_title["Trao đổi"], by_title["Chỉ đọc"], by_title["Chỉ ghi"]
assert both.can_read and both.can_write and not read_only.can_write and not write_only.can_read
assert both.get_objects() == {}, "nothing yet"

GREEN = "marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb"
def indicator(n, modified="2026-11-24T00:00:00.000Z", **more):
    return {"type": "indicator", "spec_version": "2.1", "id": f"indicator--{uuid.uuid5(uuid.NAMESPACE_DNS, str(n))}",
            "created": "2026-11-24T00:00:00.000Z", "modified": modified, "name": f"Chỉ báo {n}",
            "indicator_types": ["malicious-activity"], "pattern": f"[ipv4-addr:value = '198.51.100.{n}']",
            "pattern_type": "stix", "valid_from": "2026-11-24T00:00:00Z", "object_marking_refs": [GREEN], **more}

sent = [indicator(n) for n in range(1, 26)]
sent += [{"type": "ipv4-addr", "spec_version": "2.1", "id": "ipv4-addr--28bb3599-77cd-5a82-a950-b5bc3caf07c4",
          "value": "198.51.100.3", "object_marking_refs": [GREEN]}]
bad = [{"type": "indicator", "spec_version": "2.1", "id": "indicator--x"}, 7, {"type": "malware", "id": f"malware--{uuid.uuid4()}",
       "modified": "2026-11-24T00:00:00.000Z"}, indicator(99, object_marking_refs=[])]
status = both.add_objects({"objects": sent + bad})
assert (status.status, status.total_count, status.success_count, status.failure_count, status.pending_count) == ("complete", 30, 26, 4, 0), status
again = root.get_status(status.id)
assert again.success_count == 26 and len(again.successes) == 26 and len(again.failures) == 4
assert all(s["version"] for s in again.successes)

# One request, one moment: yet each page goes on where the one before ended.
for per_request in (1, 7, 26, 1000):
    got = [o for page in as_pages(both.get_objects, per_request=per_request) for o in page.get("objects", [])]
    assert [o["id"] for o in got] == [o["id"] for o in sent], per_request
assert {o["id"]: o for o in got} == {o["id"]: o for o in sent}, "every object as it was sent"
manifest = [o for page in as_pages(both.get_manifest, per_request=10) for o in page.get("objects", [])]
dates = [m["date_added"] for m in manifest]
assert len(dates) == 26 and dates == sorted(set(dates)), "each is added later than the one before"
# The manner of clients that know no `next`: on from the last moment.
seen, after = [], None
while True:
    page = both.get_manifest(limit=4, **({"added_after": after} if after else {}))
    if not page.get("objects"):
        break
    seen += page["objects"]
    after = page["objects"][-1]["date_added"]
assert [m["id"] for m in seen] == [m["id"] for m in manifest]

first = sent[0]["id"]
newer = indicator(1, "2026-11-24T01:00:00.000Z", name="Mới hơn")
assert both.add_objects({"objects": [newer, sent[1]]}).success_count == 2
assert both.get_object(first)["objects"] == [newer]
assert [o["name"] for o in both.get_object(first, version="all")["objects"]] == ["Chỉ báo 1", "Mới hơn"]
assert [o["name"] for o in both.get_object(first, version="first")["objects"]] == ["Chỉ báo 1"]
assert [o["name"] for o in both.get_object(first, version="2026-11-24T00:00:00Z")["objects"]] == ["Chỉ báo 1"]
assert both.object_versions(first)["versions"] == ["2026-11-24T00:00:00.000Z", "2026-11-24T01:00:00.000Z"]
assert len(both.get_manifest(version="all")["objects"]) == 27
ids = lambda answer: [o["id"] for o in answer.get("objects", [])]
assert ids(both.get_objects(type="ipv4-addr")) == [sent[-1]["id"]]
assert len(ids(both.get_objects(type=["ipv4-addr", "indicator"]))) == 26
assert ids(both.get_objects(type="indicator", id=[first, sent[-1]["id"]])) == [first]
assert ids(both.get_objects(spec_version="2.0")) == [] and len(ids(both.get_objects(spec_version=["2.0", "2.1"]))) == 26
assert ids(both.get_objects(added_after=dates[-1])) == [first], "what came after the first reading"
page = both.get_objects(type="indicator", limit=5)
assert page["more"] and page["next"]
rest = requests.get(both.objects_url, params={"next": page["next"]}, auth=("doi-tac", token)).json()
assert all(o["type"] == "indicator" for o in rest["objects"]) and len(rest["objects"]) == 5, "next holds the filter and the limit"

both.delete_object(first, version="first")
assert both.object_versions(first)["versions"] == ["2026-11-24T01:00:00.000Z"]
both.delete_object(first)

def status_of(method, url, auth=("doi-tac", token), **more):
    answer = requests.request(method, url, auth=auth, allow_redirects=False, **more)
    if answer.status_code >= 400:
        assert answer.headers["Content-Type"] == "application/taxii+json;version=2.1", answer.headers
        assert answer.json()["title"] and answer.json()["http_status"] == str(answer.status_code)
    return answer.status_code
T = {"Content-Type": "application/taxii+json;version=2.1"}
assert status_of("GET", both.objects_url + first + "/") == 404
assert status_of("DELETE", both.objects_url + first + "/") == 404
assert status_of("GET", url + "elsewhere/") == 404 and status_of("GET", url + "exchange/collections/nowhere/") == 404
assert status_of("GET", write_only.objects_url) == 403 and status_of("GET", write_only.url + "manifest/") == 403
assert status_of("POST", read_only.objects_url, json={"objects": [sent[0]]}, headers=T) == 403
assert status_of("DELETE", read_only.objects_url + first + "/") == 403
assert status_of("DELETE", write_only.objects_url + first + "/") == 403
assert status_of("POST", both.objects_url, data="{", headers=T) == 400
assert status_of("POST", both.objects_url, data="{}", headers={"Content-Type": "text/plain"}) == 415
assert status_of("POST", both.objects_url, data="x" * 300_000, headers=T) == 413
assert status_of("GET", url, headers={"Accept": "application/taxii+json;version=2.0"}) == 406
assert status_of("GET", url, headers={"Accept": "application/taxii+json"}) == 200
assert status_of("GET", url[:-1]) == 200 and status_of("GET", both.url[:-1]) == 200
assert status_of("PUT", url) in (404, 405)
for added_after in ("yesterday", "2026"):
    assert status_of("GET", both.objects_url, params={"added_after": added_after}) == 400
assert status_of("GET", url, auth=None) == 401
assert status_of("GET", url, auth=("doi-tac", "wrong password")) == 401
assert status_of("GET", url, auth=("somebody", token)) == 401, "a token is its user's"
assert "Basic" in requests.get(url).headers["WWW-Authenticate"]
assert Server(url, auth=TokenAuth(token)).title and status_of("GET", url, auth=None, headers={"Authorization": "Bearer " + token}) == 200
assert status_of("GET", url, auth=("doi-tac", "đèn biển Hải Đăng".encode())) == 200, "the password itself"
print("done")
