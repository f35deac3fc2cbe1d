# SPDX-License-Identifier: Apache-2.0
"""`reprise store serve`: another program than ours reads a store over HTTPS."""
import json
import ssl
import urllib.error
import urllib.request

import pytest
from harness.certificates import Authority, serving


@pytest.mark.requires("root")
def test_a_store_is_served_until_sigterm(product, tmp_path):
    authority = Authority(tmp_path)
    (product.store / "packs").mkdir(parents=True, exist_ok=True)
    (product.store / "packs" / "p.pack").write_bytes(b"0123456789")
    (product.store / "private").write_bytes(b"not served")
    with serving(product, authority) as url:
        trusting = ssl.create_default_context(cafile=authority.cert)
        with pytest.raises(OSError):  # we show no certificate
            urllib.request.urlopen(f"{url}/v1/objects", context=trusting, timeout=60)
        trusting.load_cert_chain(*authority.issue("reader"))

        def read(path, **headers):
            request = urllib.request.Request(url + path, headers=headers)
            with urllib.request.urlopen(request, context=trusting, timeout=60) as answer:
                return answer.read()

        assert {"name": "packs/p.pack", "bytes": 10} in json.loads(
            read("/v1/objects?prefix=packs/"))["objects"]
        assert read("/v1/objects/packs/p.pack") == b"0123456789"
        assert read("/v1/objects/packs/p.pack", Range="bytes=3-5") == b"345"
        for path, status in (("/v1/objects/private", 404), ("/v1/objects/packs/../private", 404),
                             ("/v1/objects/packs/%2e%2e/private", 404), ("/", 404)):
            with pytest.raises(urllib.error.HTTPError) as refused:
                read(path)
            assert refused.value.code == status, path
        for wrong in ("bytes=3-99", "bytes=99-", "bytes=0-1,2-3", "bytes=-3"):
            with pytest.raises(urllib.error.HTTPError) as refused:
                read("/v1/objects/packs/p.pack", Range=wrong)
            assert refused.value.code == 416, wrong


@pytest.mark.requires("root")
def test_a_token_that_others_can_read_is_refused(product, tmp_path):
    cert, key = Authority(tmp_path).issue("node")
    (product.store / "packs").mkdir(parents=True, exist_ok=True)
    token = tmp_path / "token"
    token.write_text("secret\n")
    token.chmod(0o644)
    refused = product.reprise("store", "serve", "--listen", "127.0.0.1:0", "--cert", cert, "--key", key,
                              "--token-file", str(token), check=False)
    assert refused.returncode != 0 and f"'{token}' is open to others" in refused.stderr, refused
    assert "chmod 600" in refused.stderr
