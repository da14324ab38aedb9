// @hapi/hawk verifying signed requests in process, for benchmarks/peers.py: rounds on demand, so that they interleave.
// Each line in, "get N" or "post N", is answered by the nanoseconds that N verifications took.

import { createInterface } from "node:readline";
import { createHash } from "node:crypto";
import Hawk from "@hapi/hawk";

const credentials = { id: "5c2db93503aa674c74a31734", key: "f03a5284-5c39-4aaa-9b20-dea10bdcf8e3", algorithm: "sha256" };
const body = process.argv[2];
const find = (id) => (id === credentials.id ? credentials : null);

// Different requests, prepared: verifying a repeated one would measure a cache.
const prepared = (method, path, payload) => {
  const content = payload === undefined ? {} : { payload, contentType: "application/json" };
  return Array.from({ length: 4096 }, (_, n) => {
    const { header } = Hawk.client.header(`http://127.0.0.1:8401${path}`, method, {
      credentials,
      nonce: createHash("sha256").update(String(n)).digest("base64url").slice(0, 8),
      ...content,
    });
    return {
      method,
      url: path,
      headers: {
        host: "127.0.0.1:8401",
        "user-agent": "bench",
        accept: "*/*",
        authorization: header,
        ...(payload === undefined ? {} : { "content-type": "application/json" }),
      },
    };
  });
};

const gets = prepared("GET", "/api/v1/accounts?currency=BTC&type=trade");
const posts = prepared("POST", "/api/v1/hf/orders", body);
const far = { timestampSkewSec: 10_000_000 };

const rounds = {
  get: async (count) => {
    for (let n = 0; n < count; n++) await Hawk.server.authenticate(gets[n & 4095], find, far);
  },
  post: async (count) => {
    const terms = { ...far, payload: body };
    for (let n = 0; n < count; n++) await Hawk.server.authenticate(posts[n & 4095], find, terms);
  },
};

for await (const line of createInterface({ input: process.stdin })) {
  const [what, count] = line.split(" ");
  const began = process.hrtime.bigint();
  await rounds[what](Number(count));
  console.log(String(process.hrtime.bigint() - began));
}
