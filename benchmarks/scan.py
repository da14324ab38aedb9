"""`keywright scan` beside gitleaks' rules, on credentials planted among what only looks like them: precision, recall, speed.

    python -m benchmarks.scan --rules gitleaks.toml [--tree FOLDER]

The rules are gitleaks' own, from its configuration file (not kept here), applied as it applies them: keywords, expression,
entropy; its path lists and stop words are left out. Only rules named kucoin, kraken and generic-api-key are looked at:
it has none for Binance, Bitfinex, OKX and Bybit. `--tree` counts what each finds in a folder that holds no credentials.
"""

from __future__ import annotations

import argparse
import math
import re
import time
import tomllib
import uuid
from collections import Counter
from pathlib import Path

from tests.scan.planted import EXCHANGES, HEX, WAYS, plant

from keywright.scan.files import paths_under
from keywright.scan.text import find

SEEDS = range(20)


def main() -> None:
    """Print one table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rules", type=Path, required=True)
    parser.add_argument("--tree", type=Path)
    asked = parser.parse_args()
    rules = _rules(asked.rules)
    planted = {
        f"{way.__name__}/{exchange}-{seed}": (way(plant(exchange, seed)), plant(exchange, seed))
        for way in WAYS
        for exchange in EXCHANGES
        for seed in SEEDS
    }
    decoys = dict(_decoys())
    contenders = {
        "keywright scan": _ours,
        "gitleaks, its KuCoin and Kraken rules": lambda text: _theirs(text, rules, generic=False),
        "gitleaks, with generic-api-key": lambda text: _theirs(text, rules, generic=True),
    }
    print(f"{len(planted)} files with credentials, {len(decoys)} without\n")
    print(
        "| | recall: keys | secrets | passphrases | false alarms in decoys | precision |\n| --- | ---: | ---: | ---: | ---: | ---: |"
    )
    for name, contender in contenders.items():
        hits, wanted, right, wrong = Counter[str](), Counter[str](), 0, 0
        for text, one in planted.values():
            found = contender(text)
            for part, value in (("key", one.key), ("secret", one.secret), ("passphrase", one.passphrase)):
                if value:
                    wanted[part] += 1
                    hits[part] += value in found
            right += len(found & {one.key, one.secret, one.passphrase})
            wrong += len(found - {one.key, one.secret, one.passphrase})
        false = sum(len(contender(text)) for text in decoys.values())
        recall = " | ".join(f"{hits[part] / wanted[part]:.0%}" for part in ("key", "secret", "passphrase"))
        print(f"| {name} | {recall} | {false} | {right / max(1, right + wrong + false):.1%} |")
    if asked.tree is not None:
        _tree(asked.tree, contenders)


def _tree(root: Path, contenders: dict[str, object]) -> None:
    texts = []
    for path in paths_under(root):
        content = Path(path).read_bytes()
        if b"\0" not in content[:8192]:
            texts.append(content.decode("latin-1"))
    size = sum(map(len, texts)) / 1e6
    print(f"\n{root.name}: {len(texts)} files, {size:.0f} MB")
    for name, contender in contenders.items():
        began = time.perf_counter()
        found = sum(len(contender(text)) for text in texts)  # type: ignore[operator]
        took = time.perf_counter() - began
        print(f"{name}: {found} found, {took:.1f} s, {size / took:.0f} MB/s")


def _ours(text: str) -> set[str]:
    content = text.encode("latin-1")
    hits = find(content)
    if not hits:
        return set()
    lines = content.split(b"\n")
    found = set()
    for hit in hits:
        rest = lines[hit.line - 1][hit.column - 1 :]
        length = int(hit.shown.split()[0]) if hit.shown.endswith("characters") else _run(rest)
        found.add(rest[:length].decode("latin-1"))
    return found


def _run(rest: bytes) -> int:
    match = re.match(rb"[A-Za-z0-9+/=-]+", rest)
    return match.end() if match else 0


def _theirs(text: str, rules: list[tuple[str, re.Pattern[str], float, list[str]]], *, generic: bool) -> set[str]:
    low, found = text.lower(), set()
    for name, pattern, entropy, keywords in rules:
        if (generic or name != "generic-api-key") and any(word in low for word in keywords):
            for match in pattern.finditer(text):
                secret = match[1]
                if _entropy(secret) >= entropy and not (name == "generic-api-key" and not re.search(r"\d", secret)):
                    found.add(secret)
    return found


def _rules(path: Path) -> list[tuple[str, re.Pattern[str], float, list[str]]]:
    wanted = re.compile("kucoin|kraken|generic-api-key")
    return [
        (rule["id"], re.compile(rule["regex"], re.MULTILINE), float(rule.get("entropy", 0)), rule.get("keywords", []))
        for rule in tomllib.loads(path.read_text("utf-8"))["rules"]
        if wanted.search(rule["id"])
    ]


def _entropy(text: str) -> float:
    return -sum(n / len(text) * math.log2(n / len(text)) for n in Counter(text).values())


def _decoys() -> list[tuple[str, str]]:
    """Return texts with what looks like credentials and is none: orders, hashes, lock files, placeholders, references."""
    decoys = []
    for seed in SEEDS:
        kucoin, binance = plant("kucoin", 1_000 + seed), plant("binance", 1_000 + seed)
        digest = "".join(HEX[ord(c) % 16] for c in binance.key)
        decoys += [
            (
                f"order-{seed}.json",
                f'{{"exchange": "kucoin", "orderId": "{kucoin.key}", "clientOid": "{kucoin.secret}"}}\n',
            ),
            (
                f"trades-{seed}.log",
                f"kucoin filled order {kucoin.key} at 65000.1\nGET /api/v1/orders/{kucoin.key} 200\n",
            ),
            (f"uv-{seed}.lock", f'[[package]]\nname = "binance-connector"\nsdist = {{ hash = "sha256:{digest}" }}\n'),
            (
                f"package-{seed}.json",
                f'"node_modules/binance": {{"integrity": "sha512-{binance.key}{binance.secret[:22]}=="}}\n',
            ),
            (
                f"example-{seed}.env",
                "KUCOIN_API_KEY=your-api-key\nKUCOIN_SECRET_KEY=00000000-0000-0000-0000-000000000000\n",
            ),
            (
                f"settings-{seed}.py",
                'binance = {"apiKey": os.environ["BINANCE_API_KEY"], "secret": settings.binance_secret_key}\n',
            ),
            (
                f"session-{seed}.py",
                f'# kucoin websocket\nsession_id = "{uuid.UUID(int=seed + (4 << 76), version=4)}"\n',
            ),
            (f"mongo-{seed}.json", f'{{"_id": {{"$oid": "{kucoin.key}"}}, "venue": "kucoin"}}\n'),
        ]
    return decoys


if __name__ == "__main__":
    main()
